/* Prints what the driver keeps of one domain, as it writes it: "name=value" lines, first what its
 * job sets, then an empty line, then what a commit sets. So the bench of Redis's memory follows the
 * code. The values are as long as those of a real domain with a MAIL FROM of its own.
 *
 *     state_sample pending|verified DOMAIN */
#include <stdio.h>
#include <string.h>

#include "sv/state.h"

#define REGISTERED_AT 1795937042706

static void fill_pending(struct sv_record_sheet *sheet)
{
    sheet->domain = (struct sv_domain){
        .status = SV_STATUS_PENDING,
        .identity = SV_AXIS_PENDING,
        .dkim = SV_AXIS_PENDING,
        .mail_from = SV_AXIS_PENDING,
        .signing = SV_TRI_YES,
        .spf = SV_TRI_NO,
        .dmarc = SV_TRI_NO,
        .bulk = SV_TRI_NO,
        .conclusion = SV_CONCLUSION_DNS_WRONG,
        .mail_from_wanted = true,
        .findings = {[SV_GROUP_DKIM] = 3524089409,
                     [SV_GROUP_MAIL_FROM] = 3857497316,
                     [SV_GROUP_DMARC] = 935257922},
        .records = 3563532038,
        .tries = 12,
        .status_since = REGISTERED_AT,
        .looking_since = REGISTERED_AT,
        .ses_asked_at = REGISTERED_AT + 5 * SV_HOUR + 1037,
    };
    (void)snprintf(sheet->registration.verdicts, sizeof(sheet->registration.verdicts), "wwwwww");
}

static void fill_verified(struct sv_record_sheet *sheet)
{
    fill_pending(sheet);
    sheet->domain.status = SV_STATUS_VERIFIED;
    sheet->domain.identity = sheet->domain.dkim = sheet->domain.mail_from = SV_AXIS_SUCCESS;
    sheet->domain.spf = sheet->domain.dmarc = sheet->domain.bulk = SV_TRI_YES;
    sheet->domain.conclusion = SV_CONCLUSION_ALL_GOOD;
    sheet->domain.was_verified = true;
    memset(sheet->domain.findings, 0, sizeof(sheet->domain.findings));
    sheet->domain.status_since = sheet->domain.ses_asked_at - SV_HOUR;
    (void)snprintf(sheet->registration.verdicts, sizeof(sheet->registration.verdicts), "oooooo");
}

static void print(const struct sv_state_fields *fields)
{
    for (size_t i = 0; i < fields->count; i++) {
        if (fields->fields[i].value != NULL)
            printf("%s=%s\n", fields->fields[i].name, fields->fields[i].value);
    }
}

int main(int argc, char **argv)
{
    static struct sv_record_sheet sheet = {
        .registration = {.zone = "dkim.amazonses.com",
                         .tokens_count = 3,
                         .tokens = {"mqzu7razkm7p2sgiujvldycmkfwrtuhk",
                                    "pyo6pm5o3gp3dyosi3mtwcixajimhmtd",
                                    "6pry4evjsvu26xvhm236gk3xull6fhpj"},
                         .registered_at = REGISTERED_AT}};
    static struct sv_job job = {.type = SV_JOB_REGISTER, .account = "default"};
    static struct sv_state_fields fields;

    if (argc != 3 || strlen(argv[2]) >= sizeof(job.domain) - strlen("bounce.")) {
        (void)fprintf(stderr, "usage: state_sample pending|verified DOMAIN\n");
        return 64;
    }
    (void)snprintf(job.domain, sizeof(job.domain), "%s", argv[2]);
    (void)snprintf(job.mail_from, sizeof(job.mail_from), "bounce.%s", argv[2]);
    sv_state_write_job(&job, &fields);
    print(&fields);
    printf("\n");
    if (strcmp(argv[1], "verified") == 0)
        fill_verified(&sheet);
    else
        fill_pending(&sheet);
    sv_state_write(&sheet, &fields);
    print(&fields);
    return 0;
}
