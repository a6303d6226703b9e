/* The truth: what clients publish, what SES believes. Times of SES's own behaviour are those of its
 * documentation where there is one (72 h of patience), otherwise plausible. */
#include "sim.h"

#define PATIENCE (72 * SV_HOUR)

bool sim_one_in(struct sv_rand *dice, uint64_t n)
{
    return sv_rand_below(dice, n) == 0;
}

sv_ms sim_between(struct sv_rand *dice, sv_ms low, sv_ms high)
{
    return low + (sv_ms)sv_rand_below(dice, (uint64_t)(high - low + 1));
}

static sv_ms earliest(sv_ms a, sv_ms b)
{
    return a < b ? a : b;
}

/* Most clients are quick, some take days, a few come back after months. */
static sv_ms client_delay(struct sv_rand *dice)
{
    uint64_t kind = sv_rand_below(dice, 10);

    if (kind < 6)
        return sim_between(dice, SV_MINUTE, 2 * SV_HOUR);
    if (kind < 8)
        return sim_between(dice, SV_HOUR, SV_DAY);
    if (kind < 9)
        return sim_between(dice, SV_DAY, 6 * SV_DAY);
    return sim_between(dice, 5 * SV_DAY, 90 * SV_DAY);
}

void sim_world_init(struct sim_world *world, struct sv_rand *dice, sv_ms now)
{
    static const uint32_t ttls_s[] = {60, 300, 1800, 3600, 86400, 604800};

    *world = (struct sim_world){.dice = dice, .now = now, .absent = true};
    world->ttl_s = ttls_s[sv_rand_below(dice, sizeof(ttls_s) / sizeof(ttls_s[0]))];
    world->next_publish_at = now + client_delay(dice);
    world->next_mail_from_at = now + client_delay(dice);
    world->next_advice_at = now + sim_between(dice, SV_DAY, 300 * SV_DAY);
    world->next_meddling_at = now + sim_between(dice, 30 * SV_DAY, 1500 * SV_DAY);
    world->next_ses_at = INT64_MAX;
    world->settled_at = world->repaired_at = now;
}

/* The records the client needs: missing, mistyped, right, and one day broken again. */
static void publish(struct sim_world *world, sv_ms now)
{
    struct sv_rand *dice = world->dice;

    if (world->right) {
        world->right = false;
        world->absent = sim_one_in(dice, 2);
        world->next_publish_at = now + client_delay(dice);
    } else if (world->absent && sim_one_in(dice, 3)) {
        world->absent = false; /* there, but wrong */
        world->next_publish_at = now + client_delay(dice);
    } else {
        world->right = true;
        world->absent = false;
        world->next_publish_at = now + sim_between(dice, 5 * SV_DAY, 500 * SV_DAY);
    }
    world->published_at = now;
    world->repaired_at = now;
    if (world->exists)
        world->next_ses_at = now + sim_between(dice, SV_MINUTE, 2 * SV_HOUR);
}

/* SES's own looks at the MX of the custom MAIL FROM. */
static void ses_looks_at_mail_from(struct sim_world *world, sv_ms now)
{
    if (!world->mail_from_set || world->mail_from == SV_AXIS_FAILED)
        return;
    if (world->mail_from_right) {
        world->mail_from = SV_AXIS_SUCCESS;
        world->mail_from_since = 0;
        return;
    }
    if (world->mail_from_since == 0)
        world->mail_from_since = now;
    if (now - world->mail_from_since >= PATIENCE)
        world->mail_from = SV_AXIS_FAILED;
    else if (world->mail_from == SV_AXIS_SUCCESS)
        world->mail_from = SV_AXIS_TEMPORARY_FAILURE;
}

static void ses_finds(struct sim_world *world)
{
    if (world->identity == SV_AXIS_SUCCESS || sim_one_in(world->dice, 2))
        world->dkim = SV_AXIS_SUCCESS;
    if (world->identity != SV_AXIS_FAILED || sim_one_in(world->dice, 4))
        world->identity = SV_AXIS_SUCCESS;
    if (world->dkim == SV_AXIS_SUCCESS)
        world->signing = world->signing_off_until == 0;
    world->lost_since = 0;
}

static void ses_misses(struct sim_world *world, sv_ms now)
{
    bool had = world->dkim == SV_AXIS_SUCCESS || world->dkim == SV_AXIS_TEMPORARY_FAILURE;
    sv_ms since = had ? world->lost_since : world->patient_since;

    if (had && since == 0)
        since = world->lost_since = now;
    if (now - since >= PATIENCE) {
        world->dkim = SV_AXIS_FAILED;
        world->signing = false;
        if (!had || sim_one_in(world->dice, 2))
            world->identity = SV_AXIS_FAILED;
    } else if (had && now - since >= SV_HOUR) {
        world->dkim = SV_AXIS_TEMPORARY_FAILURE;
    }
}

static bool ses_gave_up(const struct sim_world *world)
{
    return world->identity == SV_AXIS_FAILED || world->dkim == SV_AXIS_FAILED;
}

/* SES looks at DNS, unless it gave up. Nothing to see until something changes: it looks no more. */
static void ses_looks(struct sim_world *world, sv_ms now)
{
    enum sv_axis identity = world->identity, dkim = world->dkim, mail_from = world->mail_from;
    bool at_rest;

    ses_looks_at_mail_from(world, now);
    if (!ses_gave_up(world)) {
        if (world->right)
            ses_finds(world);
        else
            ses_misses(world, now);
    }
    if (identity != world->identity || dkim != world->dkim)
        world->settled_at = now;
    at_rest = (ses_gave_up(world) || (world->right && world->identity == SV_AXIS_SUCCESS &&
                                      world->dkim == SV_AXIS_SUCCESS)) &&
              (!world->mail_from_set || world->mail_from == SV_AXIS_FAILED ||
               world->mail_from == SV_AXIS_SUCCESS) &&
              mail_from == world->mail_from;
    world->next_ses_at =
        at_rest ? INT64_MAX : now + sim_between(world->dice, 20 * SV_MINUTE, 2 * SV_HOUR);
}

static void publish_mail_from(struct sim_world *world, sv_ms now)
{
    world->mail_from_right = !world->mail_from_right;
    world->next_mail_from_at =
        now + (world->mail_from_right ? sim_between(world->dice, 10 * SV_DAY, 700 * SV_DAY)
                                      : client_delay(world->dice));
    if (world->exists)
        world->next_ses_at =
            earliest(world->next_ses_at, now + sim_between(world->dice, SV_MINUTE, 2 * SV_HOUR));
}

/* MAIL FROM switched off, another configuration set, or both; some do it again and again. */
static void change_settings(struct sim_world *world, sv_ms now)
{
    if (world->stubborn == 0)
        world->stubborn = (unsigned)sv_rand_below(world->dice, 9);
    else
        world->stubborn--;
    if (world->mail_from_set && !sim_one_in(world->dice, 3)) {
        world->mail_from_set = false;
        world->mail_from = SV_AXIS_NONE;
    }
    world->set_right = world->set_right && sim_one_in(world->dice, 3);
    world->next_meddling_at =
        now + (world->stubborn > 0 ? sim_between(world->dice, SV_HOUR, 10 * SV_DAY)
                                   : sim_between(world->dice, 30 * SV_DAY, 900 * SV_DAY));
}

/* New tokens: what the client has published is not what SES looks for any more. */
static void renew_tokens(struct sim_world *world, sv_ms now)
{
    world->tokens++;
    world->right = false;
    world->absent = true;
    world->published_at = now;
    world->next_publish_at = now + client_delay(world->dice);
    world->next_meddling_at = now + sim_between(world->dice, 30 * SV_DAY, 900 * SV_DAY);
    world->next_ses_at =
        earliest(world->next_ses_at, now + sim_between(world->dice, SV_MINUTE, 2 * SV_HOUR));
}

/* Somebody with access to the account: deletes the identity, switches signing off for a while, or
 * changes settings or tokens. */
static void meddle(struct sim_world *world, sv_ms now)
{
    uint64_t mood = world->stubborn > 0 ? 3 : sv_rand_below(world->dice, 6);

    if (world->signing_off_until != 0) {
        world->signing_off_until = 0;
        world->signing = world->dkim == SV_AXIS_SUCCESS;
        world->next_meddling_at = now + sim_between(world->dice, 30 * SV_DAY, 900 * SV_DAY);
    } else if (world->exists && mood >= 4) {
        renew_tokens(world, now);
    } else if (world->exists && mood >= 3) {
        change_settings(world, now);
    } else if (world->exists && sim_one_in(world->dice, 2)) {
        sim_world_remove(world);
        world->next_meddling_at = now + sim_between(world->dice, 30 * SV_DAY, 900 * SV_DAY);
    } else {
        world->signing = false;
        world->signing_off_until = now + sim_between(world->dice, SV_HOUR, 20 * SV_DAY);
        world->next_meddling_at = world->signing_off_until;
    }
    world->settled_at = world->repaired_at = now;
}

void sim_world_advance(struct sim_world *world, sv_ms now)
{
    for (;;) {
        sv_ms next = earliest(earliest(world->next_publish_at, world->next_ses_at),
                              earliest(earliest(world->next_mail_from_at, world->next_advice_at),
                                       world->next_meddling_at));

        if (next > now)
            break;
        if (next == world->next_publish_at) {
            publish(world, next);
        } else if (next == world->next_mail_from_at) {
            publish_mail_from(world, next);
        } else if (next == world->next_advice_at) {
            world->advice = (uint32_t)sv_rand_below(world->dice, 4);
            world->next_advice_at = next + sim_between(world->dice, SV_DAY, 300 * SV_DAY);
        } else if (next == world->next_meddling_at) {
            meddle(world, next);
        } else {
            ses_looks(world, next);
        }
    }
    world->now = now;
}

void sim_world_provision(struct sim_world *world, bool mail_from)
{
    world->repaired_at = world->now; /* whatever was wrong before is ours to heal from now on */
    if (!world->exists) {
        world->exists = true;
        world->signing = world->signing_off_until == 0;
        world->identity = world->dkim = SV_AXIS_PENDING;
        world->patient_since = world->now;
        world->lost_since = 0;
        world->settled_at = world->now;
        world->mail_from_set = false;
        world->tokens += sim_one_in(world->dice, 2) ? 1 : 0; /* SES may give the same again */
    }
    world->mail_from_wanted = mail_from;
    world->set_right = true;
    if (mail_from && !world->mail_from_set) {
        world->mail_from = SV_AXIS_PENDING;
        world->mail_from_since = world->now;
    }
    world->mail_from_set = mail_from;
    if (!mail_from)
        world->mail_from = SV_AXIS_NONE;
    world->next_ses_at = world->now + sim_between(world->dice, SV_MINUTE, 2 * SV_HOUR);
}

void sim_world_restart(struct sim_world *world, uint32_t todo)
{
    if (!world->exists)
        return;
    if ((todo & SV_TODO_RESTART_DKIM) != 0 && ses_gave_up(world)) {
        if (world->identity == SV_AXIS_FAILED)
            world->identity = SV_AXIS_PENDING;
        world->dkim = SV_AXIS_PENDING;
        world->signing = world->signing_off_until == 0;
        world->patient_since = world->now;
        world->settled_at = world->now;
    }
    if ((todo & SV_TODO_RESTORE_SET) != 0)
        world->set_right = true;
    if ((todo & SV_TODO_RESTART_MAIL_FROM) != 0 && world->mail_from != SV_AXIS_SUCCESS) {
        world->mail_from_set = true;
        world->mail_from = SV_AXIS_PENDING;
        world->mail_from_since = world->now;
    }
    world->next_ses_at = world->now + sim_between(world->dice, SV_MINUTE, 2 * SV_HOUR);
}

void sim_world_remove(struct sim_world *world)
{
    world->exists = false;
    world->mail_from_set = false;
    world->identity = world->dkim = world->mail_from = SV_AXIS_GONE;
    world->signing = false;
    world->next_ses_at = INT64_MAX;
    world->settled_at = world->repaired_at = world->now;
}

void sim_world_look_dns(struct sim_world *world, bool silent, struct sv_observation *seen)
{
    bool fresh = world->now - world->published_at < (sv_ms)world->ttl_s * SV_SECOND;
    uint64_t luck = sv_rand_below(world->dice, 1000);

    if (silent || luck < 20)
        return; /* unknown */
    seen->required = world->right ? SV_SEEN_RIGHT : SV_SEEN_WRONG;
    if (world->right && fresh && luck < 500)
        seen->required = SV_SEEN_WAITING; /* right at the source only */
    if (!world->right && fresh && luck < 200)
        seen->required = SV_SEEN_RIGHT; /* caches still hold what was deleted */
    if (luck >= 995)
        seen->required = luck < 998 ? SV_SEEN_WRONG : SV_SEEN_RIGHT; /* a liar on the way */
    seen->required_absent = seen->required == SV_SEEN_WRONG && world->absent;
    seen->required_disputed = seen->required == SV_SEEN_WRONG && luck % 5 == 0;
    if (fresh && luck % 3 == 0)
        seen->caches_until = world->published_at + (sv_ms)world->ttl_s * SV_SECOND;
    seen->required_ttl_s = luck % 7 == 0 ? 0 : world->ttl_s / (uint32_t)(1 + luck % 3);
    for (int group = 0; group < SV_GROUP_COUNT; group++)
        seen->group_known[group] = luck % 50 != (uint64_t)group;
    seen->group_digest[SV_GROUP_DKIM] = seen->required == SV_SEEN_WRONG ? 1 : 0;
    seen->group_digest[SV_GROUP_MAIL_FROM] = world->mail_from_right ? 0 : 2;
    seen->group_digest[SV_GROUP_DMARC] = world->advice;
    seen->dmarc = world->advice % 2 == 0 ? SV_TRI_YES : SV_TRI_NO;
    seen->spf = luck % 100 == 0 ? SV_TRI_UNKNOWN : SV_TRI_YES;
    seen->bulk = seen->dmarc;
}

static void copy_ses(struct sv_observation *to, const struct sv_observation *from)
{
    to->ses_known = from->ses_known;
    to->identity = from->identity;
    to->dkim = from->dkim;
    to->mail_from = from->mail_from;
    to->signing = from->signing;
    to->drift = from->drift;
    to->drift_told = from->drift_told;
}

uint32_t sim_world_records(const struct sim_world *world)
{
    return 1 + 2 * world->tokens + (world->mail_from_wanted ? 1 : 0);
}

/* The batched reads tell of MAIL FROM, a Get now and then of the configuration set. */
static void tell_drift(struct sim_world *world, struct sv_observation *seen)
{
    if (!world->exists)
        return;
    if (world->mail_from_wanted) {
        seen->drift_told |= SV_DRIFT_MAIL_FROM;
        seen->drift |= world->mail_from_set ? 0 : SV_DRIFT_MAIL_FROM;
    }
    if (sim_one_in(world->dice, 10)) {
        seen->drift_told |= SV_DRIFT_CONFIGURATION_SET;
        seen->drift |= world->set_right ? 0 : SV_DRIFT_CONFIGURATION_SET;
    }
}

bool sim_world_look_ses(struct sim_world *world, bool silent, struct sv_observation *seen)
{
    uint64_t luck = sv_rand_below(world->dice, 2000);
    struct sv_observation now = {.ses_known = true,
                                 .identity = world->identity,
                                 .dkim = world->dkim,
                                 .mail_from = world->mail_from,
                                 .signing = world->signing ? SV_TRI_YES : SV_TRI_NO};

    tell_drift(world, &now);
    if (!world->exists)
        now.signing = SV_TRI_UNKNOWN;
    if (silent || luck < 20)
        return false; /* unknown */
    copy_ses(seen, &now);
    if (luck < 25 && world->old.ses_known)
        copy_ses(seen, &world->old); /* a reply of yesterday */
    else if (luck < 30)
        seen->identity = SV_AXIS_UNKNOWN; /* a word we do not know */
    else if (luck < 33)
        seen->dkim = SV_AXIS_FAILED;
    else if (luck < 36)
        seen->dkim = SV_AXIS_TEMPORARY_FAILURE;
    else if (luck < 39)
        seen->identity = seen->dkim = seen->mail_from = SV_AXIS_GONE; /* the reply is incomplete */
    else if (luck < 41)
        seen->dkim = SV_AXIS_GONE; /* and contradicts itself */
    else if (luck < 43)
        seen->signing = SV_TRI_UNKNOWN;
    if (luck % 100 == 99)
        world->old = now;
    return luck >= 43;
}
