#include <stdio.h>
#include <string.h>

#include "aws_parts.h"

static const char name_bytes[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                 "-_./";
static const char region_bytes[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
static const char word_bytes[] = "abcdefghijklmnopqrstuvwxyz-";

static bool copy(char *out, size_t bytes, const char *text, size_t len)
{
    if (len == 0 || len >= bytes)
        return false;
    memcpy(out, text, len);
    out[len] = '\0';
    return true;
}

/* One piece of an ARN, up to the next ':'; goes behind it. */
static bool take(const char **at, const char *allowed, char *out, size_t bytes)
{
    size_t len = strspn(*at, allowed);

    if ((*at)[len] != ':' || !copy(out, bytes, *at, len))
        return false;
    *at += len + 1;
    return true;
}

/* "arn:aws:sns:eu-west-1:123456789012:topic", "...:event-bus/bus": `begin` is what the last piece
 * begins with. */
static bool read_arn(const char *text, const char *service, const char *begin,
                     struct sv_aws_target *out)
{
    char arn[4], partition[16], word[16], account[16];
    const char *at = text;

    if (!take(&at, word_bytes, arn, sizeof arn) || strcmp(arn, "arn") != 0 ||
        !take(&at, word_bytes, partition, sizeof partition) || strncmp(partition, "aws", 3) != 0 ||
        !take(&at, word_bytes, word, sizeof word) || strcmp(word, service) != 0 ||
        !take(&at, region_bytes, out->region, sizeof out->region) ||
        !take(&at, "0123456789", account, sizeof account) || strlen(account) != 12 ||
        strncmp(at, begin, strlen(begin)) != 0)
        return false;
    at += strlen(begin);
    return at[0] != '\0' && strspn(at, name_bytes) == strlen(at) &&
           copy(out->text, sizeof out->text, text, strlen(text));
}

/* "sqs.eu-west-1.amazonaws.com", "sqs-fips.", "vpce-1.sqs.eu-west-1.vpce." and the old form
 * "eu-west-1.queue.": the region, or false where the host tells none. */
static bool read_region(const char *host, size_t len, struct sv_aws_target *out)
{
    static const char *const befores[] = {"sqs.", "sqs-fips."};

    for (size_t i = 0; i < sizeof befores / sizeof befores[0]; i++) {
        size_t before = strlen(befores[i]);

        for (size_t at = 0; at + before < len; at++) {
            if ((at == 0 || host[at - 1] == '.') && strncmp(host + at, befores[i], before) == 0)
                return copy(out->region, sizeof out->region, host + at + before,
                            strspn(host + at + before, region_bytes));
        }
    }
    if (strncmp(host + strspn(host, region_bytes), ".queue.", 7) == 0)
        return copy(out->region, sizeof out->region, host, strspn(host, region_bytes));
    return false;
}

/* "https://HOST/ACCOUNT/NAME": HOST is where we ask, the rest is what we ask for. */
static bool read_queue(const char *url, struct sv_aws_target *out)
{
    const char *host = strstr(url, "://"), *path;
    size_t len;

    if (host == NULL)
        return false;
    host += 3;
    len = strcspn(host, "/");
    path = host + len;
    if (strlen(path) < 2 || strspn(path, name_bytes) != strlen(path) ||
        !copy(out->path, sizeof out->path, path, strlen(path)) ||
        !copy(out->text, sizeof out->text, url, strlen(url)))
        return false;
    (void)read_region(host, len, out);
    return copy(out->origin, sizeof out->origin, url, (size_t)(path - url));
}

enum sv_err sv_aws_target_read(const char *kind, const char *text, const char *region,
                               struct sv_aws_target *out, struct sv_errinfo *info)
{
    bool is_known = true;

    *out = (struct sv_aws_target){.path = "/"};
    if (strcmp(kind, "sns") == 0)
        is_known = read_arn(text, "sns", "", out);
    else if (strcmp(kind, "sqs") == 0)
        is_known = read_queue(text, out);
    else if (strchr(text, ':') != NULL)
        is_known = read_arn(text, "events", "event-bus/", out);
    else
        is_known = strspn(text, name_bytes) == strlen(text) &&
                   copy(out->text, sizeof out->text, text, strlen(text));
    if (!is_known)
        return sv_err_set(info, SV_EINVALID, "sink", 0, "%s: not %s: %.100s", kind,
                          strcmp(kind, "sns") == 0   ? "the ARN of a topic"
                          : strcmp(kind, "sqs") == 0 ? "the URL of a queue"
                                                     : "the name or ARN of a bus",
                          text);
    if (out->region[0] == '\0' &&
        (region == NULL || !copy(out->region, sizeof out->region, region, strlen(region))))
        return sv_err_set(info, SV_EINVALID, "sink", 0, "%s: no region is known", kind);
    return SV_OK;
}
