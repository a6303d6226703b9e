/* The keys behind the DKIM aliases, and the client's own key (BYODKIM). What one key record says is
 * judged in dkim_key.c; here it is asked for, and told once for all owners that share a fault. */
#include <string.h>

#include "sv/require.h"

#include "dkim_key.h"
#include "dkim_parts.h"
#include "records_parts.h"

/* What has been read of all keys of the domain. */
struct keys {
    struct sv_judge *judge;
    size_t asked, known, ed25519;
    bool told[SV_F_COUNT]; /* codes that have been reported already */
};

/* False when there is nothing to read: no answer, or a record that there was no room for. */
static bool read_key(const struct sv_fact *fact, const char *wanted, struct sv_dkim_key *out)
{
    bool kept = fact->values_seen != 1 || fact->values_count == 1;

    if (!sv_fact_known(fact) || !kept)
        return false;
    sv_dkim_key_read_all(fact->values, fact->values_seen, sv_span_of(wanted), out);
    return true;
}

static void report_fault(struct keys *keys, const struct sv_fact *fact,
                         const struct sv_dkim_key_fault *fault, const char *expected)
{
    char found[SV_FINDING_VALUE_BYTES];
    struct sv_naming naming = {
        .owner = fact->name, .expected = expected, .found = found, .number = fault->number};
    struct sv_line line;

    if (keys->told[fault->code])
        return;
    keys->told[fault->code] = true;
    if (fault->code == SV_F_DKIM_KEY_MULTIPLE || fault->code == SV_F_DKIM_KEY_MISMATCH) {
        sv_fact_show(fact, found);
    } else {
        sv_line_init(&line, found, sizeof(found));
        sv_line_add_shown(&line, fault->at);
    }
    sv_judge_find(keys->judge, fault->code, fact, SV_SEVERITY_NONE, &naming);
}

static void take_key(struct keys *keys, const struct sv_fact *fact, const struct sv_dkim_key *key,
                     const char *expected)
{
    struct sv_dkim_sum *sum = &keys->judge->dkim_sum;

    for (size_t i = 0; i < key->faults_count; i++)
        report_fault(keys, fact, &key->faults[i], expected);
    sum->read++;
    if (!key->usable)
        return;
    sum->usable++;
    sum->testing = sum->testing || key->testing;
    if (key->type == SV_DKIM_KEY_ED25519)
        keys->ed25519++;
    else if (sum->rsa_bits_min == 0 || key->bits < sum->rsa_bits_min)
        sum->rsa_bits_min = key->bits;
}

/* Ed25519 alone is worth a word only where no key is left that could be RSA. */
static void judge_types(struct keys *keys, const struct sv_fact *first)
{
    struct sv_naming naming = {.owner = first->name};

    if (keys->known == keys->asked && keys->ed25519 > 0 &&
        keys->ed25519 == keys->judge->dkim_sum.usable)
        sv_judge_find(keys->judge, SV_F_DKIM_KEY_ED25519_ONLY, first, SV_SEVERITY_NONE, &naming);
}

/* A CNAME must be alone at its name (RFC 1034 section 3.6.2). Servers that let others in show it to
 * whoever asks for the other type. */
static bool judge_conflict(struct sv_dkim_token *it, const struct sv_fact *txt)
{
    if (!sv_fact_known(txt) || txt->values_here == 0)
        return false;
    it->status = SV_RECORD_WRONG;
    it->fault = SV_F_DKIM_CNAME_CONFLICT;
    it->evidence_of = txt;
    sv_fact_show(txt, it->found);
    return true;
}

void sv_dkim_keys(struct sv_judge *judge, struct sv_dkim_view *view)
{
    struct keys keys = {.judge = judge};
    const struct sv_fact *first = NULL;
    char owner[SV_NAME_BYTES];
    struct sv_dkim_key key;
    size_t missing = 0;

    for (size_t i = 0; i < view->count; i++) {
        struct sv_dkim_token *it = &view->tokens[i];
        const struct sv_fact *txt;
        if (it->status != SV_RECORD_OK || !sv_dkim_owner(&judge->expect, i, owner))
            continue;
        txt = sv_judge_look(judge, owner, SV_RR_TXT, &judge->key_looks, SV_DKIM_TOKENS_MAX);
        if (judge_conflict(it, txt))
            continue;
        first = first != NULL ? first : txt;
        keys.asked++;
        keys.known += sv_fact_known(txt) ? 1 : 0;
        missing += sv_fact_absent(txt) ? 1 : 0;
        if (judge->out == NULL)
            continue; /* decoding is dear, and no question depends on it */
        if (!sv_fact_known(txt))
            sv_judge_trouble(judge, txt);
        else if (!sv_fact_absent(txt) && read_key(txt, "", &key))
            take_key(&keys, txt, &key, "");
    }
    if (first == NULL || judge->out == NULL)
        return;
    judge_types(&keys, first);
    if (missing == keys.asked) { /* behind one alias only, it is no concern of the client's */
        struct sv_naming naming = {.owner = first->name};
        sv_judge_find(judge, SV_F_DKIM_KEY_MISSING_AT_TARGET, first, SV_SEVERITY_NONE, &naming);
    }
}

void sv_dkim_own_key(struct sv_judge *judge, struct sv_dkim_view *view)
{
    struct keys keys = {.judge = judge, .asked = 1};
    struct sv_dkim_token *own = &view->own;
    char owner[SV_NAME_BYTES];
    char value[SV_RECORD_VALUE_BYTES];
    struct sv_dkim_key key;
    size_t record = 0;

    if (!sv_byodkim_owner(&judge->expect, owner) || !sv_byodkim_value(&judge->expect, value))
        return;
    while (record < judge->records_count &&
           (judge->asked[record] == NULL || judge->kinds[record] != SV_RECORD_DKIM ||
            judge->asked[record]->type != SV_RR_TXT))
        record++;
    view->has_own = true;
    own->status = SV_RECORD_UNKNOWN;
    own->fact = record < judge->records_count ? judge->asked[record] : NULL;
    if (own->fact == NULL || !read_key(own->fact, judge->expect.byodkim_key, &key))
        return;
    keys.known = 1;
    own->absent = sv_fact_absent(own->fact);
    own->status = key.usable ? SV_RECORD_OK : SV_RECORD_WRONG;
    if (own->absent) {
        struct sv_naming naming = {.owner = owner, .expected = value};
        own->status = SV_RECORD_WRONG;
        sv_judge_find(judge, SV_F_DKIM_KEY_PUBLIC_MISSING, own->fact, SV_SEVERITY_NONE, &naming);
    } else {
        take_key(&keys, own->fact, &key, value);
        judge_types(&keys, own->fact);
    }
    sv_fact_show(own->fact, own->found);
    sv_judge_mark(judge, record, own->status);
    sv_judge_seen(judge, record, sv_span_of(own->found));
}

enum sv_tri sv_dkim_is_own_key(const struct sv_judge *judge, const struct sv_fact *answer)
{
    struct sv_dkim_key key;

    if (judge->expect.byodkim_key == NULL || !read_key(answer, judge->expect.byodkim_key, &key))
        return SV_TRI_UNKNOWN;
    return key.usable ? SV_TRI_YES : SV_TRI_NO;
}
