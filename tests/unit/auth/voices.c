#include "voices.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sv/alloc.h"
#include "sv/require.h"

struct speaker {
    const struct voice *voice;
    bool is_server;
    struct zone *zone;
    struct sv_dns_answer *answer; /* of the last question */
};

struct voices {
    size_t count;
    struct speaker speakers[VOICES_MAX];
    const struct sv_cut *cut;
    struct sv_dns_views views;
    struct sv_server_view servers[VOICES_MAX];
    const struct sv_dns_answer *resolvers[VOICES_MAX];
};

struct voices *voices_new(const char *all, const struct voice *list, size_t count,
                          const struct sv_cut *cut)
{
    struct voices *voices = sv_alloc(1, sizeof(*voices));

    SV_REQUIRE(count <= VOICES_MAX);
    voices->cut = cut;
    for (size_t i = 0; i < count; i++) {
        struct speaker *speaker = &voices->speakers[voices->count++];
        const char *own = list[i].dns != NULL ? list[i].dns : "";
        size_t bytes = strlen(all) + strlen(own) + 2;
        char *text = sv_alloc(1, bytes);
        speaker->voice = &list[i];
        speaker->is_server = list[i].former || list[i].who[0] < '0' || list[i].who[0] > '9';
        (void)snprintf(text, bytes, "%s\n%s", all, own);
        speaker->zone = zone_new(text);
        free(text);
    }
    return voices;
}

static void forget_answers(struct voices *voices)
{
    for (size_t i = 0; i < voices->count; i++) {
        sv_dns_answer_free(voices->speakers[i].answer);
        voices->speakers[i].answer = NULL;
    }
}

void voices_free(struct voices *voices)
{
    forget_answers(voices);
    for (size_t i = 0; i < voices->count; i++)
        zone_free(voices->speakers[i].zone);
    free(voices);
}

/* With the TTL, where there is one, for everything in it. */
static struct sv_dns_answer *copy(const struct sv_dns_answer *said, uint32_t ttl_s)
{
    struct sv_rr records[ZONE_RECORDS_MAX];
    struct sv_dns_answer with = *said;

    if (ttl_s == 0)
        return sv_dns_answer_copy(said);
    with.ttl_s = ttl_s;
    with.records = records;
    for (size_t i = 0; i < said->records_count; i++) {
        records[i] = said->records[i];
        records[i].ttl_s = ttl_s;
    }
    return sv_dns_answer_copy(&with);
}

static bool speak(struct speaker *speaker, const struct sv_dns_question *question)
{
    const struct voice *voice = speaker->voice;
    const struct sv_dns_answer *said;
    struct sv_dns_answer *answer;

    if (!zone_look(speaker->zone, question, &said))
        return false;
    answer = copy(said, voice->ttl_s);
    speaker->answer = answer;
    memset(answer->server, 0, sizeof(answer->server));
    (void)snprintf(answer->server, sizeof(answer->server), "%s:53", voice->who);
    answer->aa = speaker->is_server && !voice->lame && answer->outcome != SV_DNS_UNKNOWN;
    answer->no_edns = voice->no_edns;
    answer->serial = voice->serial;
    if (voice->ede != 0)
        answer->ede = voice->ede;
    if (voice->at != 0)
        answer->at = voice->at;
    return true;
}

/* The servers serve the zone of the cut and nothing else. */
static bool is_theirs(const struct sv_cut *cut, const char *name)
{
    return cut == NULL || cut->zone[0] == '\0' || sv_name_equal(name, cut->zone) ||
           sv_name_is_below(name, cut->zone) || sv_name_is_below(cut->zone, name);
}

const struct sv_dns_views *voices_ask(struct voices *voices, const struct sv_dns_question *question)
{
    struct sv_dns_views *views = &voices->views;
    bool theirs = is_theirs(voices->cut, question->name);

    forget_answers(voices);
    views->servers_count = 0;
    views->resolvers_count = 0;
    views->servers = voices->servers;
    views->resolvers = voices->resolvers;
    views->cut = theirs ? voices->cut : NULL;
    for (size_t i = 0; i < voices->count; i++) {
        struct speaker *speaker = &voices->speakers[i];
        if ((!speaker->is_server      ? views->withheld
             : speaker->voice->former ? !theirs
                                      : views->closed || !theirs) ||
            !speak(speaker, question))
            continue;
        if (speaker->is_server)
            voices->servers[views->servers_count++] =
                (struct sv_server_view){.host = speaker->voice->who,
                                        .answer = speaker->answer,
                                        .serial = speaker->voice->serial,
                                        .answered_without_tcp = speaker->voice->no_tcp,
                                        .former = speaker->voice->former};
        else
            voices->resolvers[views->resolvers_count++] = speaker->answer;
    }
    if (views->servers_count + views->resolvers_count == 0 && views->cut == NULL)
        return NULL;
    return views;
}

void voices_close(struct voices *voices, bool closed, bool withheld)
{
    voices->views.closed = closed;
    voices->views.withheld = withheld;
}
