/* The catalogue of diagnoses: every stable code with its severity and its advice. */
#ifndef SV_FINDING_CODES_H
#define SV_FINDING_CODES_H

/* X(enumerator, "stable_code", severity, "advice with {owner}, {expected}, {found}, {d}"). Codes
 * are public API: added, never renamed. The advice is one line in the imperative.
 *
 * The order of the table is the order in which people should read findings: what comes first
 * explains, or stands in the way of, what comes later (reachability, owner name wrong, record type
 * wrong, conflict, record absent, value wrong, policy, advice). A report is sorted by it. */
#define SV_FINDING_MAP(X)                                                                          \
    /* reachability */                                                                             \
    X(SV_F_DNS_UNREACHABLE, "dns_all_servers_unreachable", SV_TEMPORARY,                           \
      "The name servers of {d} do not answer for {owner}. Ask your DNS provider; we keep trying.") \
    X(SV_F_DNS_SERVFAIL, "dns_servfail", SV_TEMPORARY,                                             \
      "Your DNS answers with an error for {owner}. We retry; contact the provider if it lasts.")   \
    X(SV_F_SPF_TEMPERROR, "spf_temperror", SV_TEMPORARY,                                           \
      "{owner}, which the SPF record refers to, did not answer. We try again.")                    \
    X(SV_F_DNS_MALFORMED_REPLY, "dns_malformed_reply", SV_TEMPORARY,                               \
      "A name server sends broken answers for {owner}. Report it to your DNS provider.")           \
    X(SV_F_DNS_CNAME_LOOP, "dns_cname_loop", SV_ERROR,                                             \
      "The aliases that start at {owner} lead back to themselves. Correct one of them.")           \
    X(SV_F_DNS_CNAME_CHAIN_TOO_LONG, "dns_cname_chain_too_long", SV_WARNING,                       \
      "Too many aliases follow each other from {owner} on. Shorten the chain.")                    \
    /* owner name wrong */                                                                         \
    X(SV_F_DKIM_CNAME_DOUBLED_SUFFIX, "dkim_cname_doubled_suffix", SV_ERROR,                       \
      "The record is at {found}: your panel adds the domain by itself. Enter the name without "    \
      "it, so that the record appears at {owner}.")                                                \
    X(SV_F_DKIM_UNDERSCORE_STRIPPED, "dkim_underscore_stripped", SV_ERROR,                         \
      "The record is at {found}: its underscore was lost. Create it at {owner}; ask the provider " \
      "if the panel refuses underscores.")                                                         \
    X(SV_F_DKIM_CNAME_NO_DOMAINKEY, "dkim_cname_no_domainkey", SV_ERROR,                           \
      "The record is at {found}: the part ._domainkey is missing. Move it to {owner}.")            \
    X(SV_F_DKIM_CNAME_LABELS_SWAPPED, "dkim_cname_labels_swapped", SV_ERROR,                       \
      "The record is at {found}: the parts of its name are interchanged. Move it to {owner}.")     \
    X(SV_F_MAILFROM_MX_WRONG_OWNER, "mailfrom_mx_wrong_owner", SV_ERROR,                           \
      "The MX record of Amazon SES is at {found}, but it belongs to {owner}. Move it there.")      \
    X(SV_F_DMARC_WRONG_OWNER, "dmarc_wrong_owner", SV_ERROR,                                       \
      "The DMARC record is at {found}, where nobody looks for it. Move it to {owner}.")            \
    /* record type wrong */                                                                        \
    X(SV_F_DKIM_RECORD_AS_TXT, "dkim_record_as_txt", SV_ERROR,                                     \
      "{owner} is a TXT record. Change its type to CNAME, with the value {expected}.")             \
    X(SV_F_DKIM_RECORD_AS_A, "dkim_record_as_a", SV_ERROR,                                         \
      "{owner} has the address {found}. Replace it by a CNAME record with the value {expected}.")  \
    /* conflict */                                                                                 \
    X(SV_F_DNS_CNAME_MULTIPLE, "dns_cname_multiple", SV_ERROR,                                     \
      "{owner} has several CNAME records ({found}). Keep only {expected}.")                        \
    X(SV_F_MAILFROM_IS_CNAME, "mailfrom_is_cname", SV_ERROR,                                       \
      "{owner} is an alias for {found}. Delete that CNAME; the name needs MX and TXT records of "  \
      "its own.")                                                                                  \
    /* record absent */                                                                            \
    X(SV_F_DKIM_CNAME_MISSING, "dkim_cname_missing", SV_ERROR,                                     \
      "Add the DKIM records as shown, beginning with: {owner} CNAME {expected}")                   \
    X(SV_F_DKIM_CNAME_PARTIAL, "dkim_cname_partial", SV_ERROR,                                     \
      "Part of the DKIM records is right. Add what is still missing: {found}.")                    \
    X(SV_F_OWNERSHIP_TXT_MISSING, "ownership_txt_missing", SV_ERROR,                               \
      "Add a TXT record at {owner} with the value {expected}.")                                    \
    X(SV_F_MAILFROM_MX_MISSING, "mailfrom_mx_missing", SV_ERROR,                                   \
      "Add an MX record at {owner}: {expected}")                                                   \
    X(SV_F_MAILFROM_SPF_MISSING, "mailfrom_spf_missing", SV_ERROR,                                 \
      "Add a TXT record at {owner}: {expected}")                                                   \
    X(SV_F_SPF_MISSING, "spf_missing", SV_WARNING, "Add a TXT record at {owner}: {expected}")      \
    X(SV_F_DMARC_MISSING, "dmarc_missing", SV_ERROR, "Add a TXT record at {owner}: {expected}")    \
    /* value wrong */                                                                              \
    X(SV_F_DKIM_CNAME_TARGET_SUFFIXED, "dkim_cname_target_suffixed", SV_ERROR,                     \
      "Your panel appended the domain to the value, which now reads {found}. End the value with "  \
      "a dot: {expected}.")                                                                        \
    X(SV_F_DKIM_CNAME_TARGET_SCHEME, "dkim_cname_target_scheme", SV_ERROR,                         \
      "The value {found} is no bare host name. Enter only {expected}, without http, slash, blank " \
      "or quotes.")                                                                                \
    X(SV_F_DKIM_CNAME_SWAPPED_TOKENS, "dkim_cname_swapped_tokens", SV_ERROR,                       \
      "The values of your DKIM records are interchanged: {owner} must point to {expected}, not "   \
      "to {found}.")                                                                               \
    X(SV_F_DKIM_CNAME_WRONG_ZONE, "dkim_cname_wrong_zone", SV_ERROR,                               \
      "The value {found} ends in the zone of another region. Use {expected}.")                     \
    X(SV_F_DKIM_CNAME_TARGET_TYPO, "dkim_cname_target_typo", SV_ERROR,                             \
      "The value reads {found} but must be {expected}. Copy and paste it.")                        \
    X(SV_F_DKIM_CNAME_STALE_TOKEN, "dkim_cname_stale_token", SV_ERROR,                             \
      "{owner} points to {found}, which belongs to an earlier set-up or another account. Replace " \
      "it by {expected}.")                                                                         \
    X(SV_F_DKIM_CNAME_TARGET_OTHER, "dkim_cname_target_other", SV_ERROR,                           \
      "{owner} points to {found}, which is not Amazon SES. Change the value to {expected}.")       \
    X(SV_F_OWNERSHIP_TXT_MISMATCH, "ownership_txt_mismatch", SV_ERROR,                             \
      "The TXT record at {owner} reads {found} but must be {expected}.")                           \
    X(SV_F_MAILFROM_NULL_MX, "mailfrom_null_mx", SV_ERROR,                                         \
      "{owner} refuses all mail by a null MX. Replace it by: {expected}")                          \
    X(SV_F_MAILFROM_MX_MULTIPLE, "mailfrom_mx_multiple", SV_ERROR,                                 \
      "Amazon SES accepts exactly one MX record at {owner}. Of {found}, keep only {expected}; "    \
      "choose another subdomain if you receive mail there.")                                       \
    X(SV_F_MAILFROM_MX_PRIORITY_IN_NAME, "mailfrom_mx_priority_in_name", SV_ERROR,                 \
      "The priority became part of the host name {found}. Put 10 into the priority field and "     \
      "only the host into the value.")                                                             \
    X(SV_F_MAILFROM_MX_TARGET_SUFFIXED, "mailfrom_mx_target_suffixed", SV_ERROR,                   \
      "Your panel appended the domain to the host, which now reads {found}. End the host name "    \
      "with a dot.")                                                                               \
    X(SV_F_MAILFROM_MX_INBOUND_HOST, "mailfrom_mx_inbound_host", SV_ERROR,                         \
      "{found} is the host for receiving mail. Use {expected}.")                                   \
    X(SV_F_MAILFROM_MX_WRONG_REGION, "mailfrom_mx_wrong_region", SV_ERROR,                         \
      "The MX record names {found}, but your mail is sent from the region of {expected}.")         \
    X(SV_F_MAILFROM_MX_TARGET_TYPO, "mailfrom_mx_target_typo", SV_ERROR,                           \
      "The MX host reads {found} but must be {expected}. Copy and paste it.")                      \
    X(SV_F_MAILFROM_MX_NOT_SES, "mailfrom_mx_not_ses", SV_ERROR,                                   \
      "The MX record at {owner} names {found}. It must be {expected}.")                            \
    X(SV_F_SPF_MULTIPLE_RECORDS, "spf_multiple_records", SV_ERROR,                                 \
      "{owner} has several SPF records, so receivers use none. Merge them into one: {expected}")   \
    X(SV_F_SPF_VERSION_MALFORMED, "spf_version_malformed", SV_ERROR,                               \
      "The SPF record at {owner} reads {found}. It must begin with v=spf1 and a blank.")           \
    X(SV_F_SPF_SES_MISSPELLED, "spf_ses_misspelled", SV_ERROR,                                     \
      "The SPF record at {owner} says {found}. Write include:amazonses.com instead.")              \
    X(SV_F_SPF_SES_AFTER_ALL, "spf_ses_after_all", SV_ERROR,                                       \
      "In the SPF record at {owner}, whatever follows all is ignored. Move the include before "    \
      "it: {expected}")                                                                            \
    X(SV_F_SPF_SES_WRONG_QUALIFIER, "spf_ses_wrong_qualifier", SV_ERROR,                           \
      "The SPF record at {owner} says {found}. Remove the sign before include.")                   \
    X(SV_F_MAILFROM_SPF_NO_SES, "mailfrom_spf_no_ses", SV_ERROR,                                   \
      "The SPF record at {owner} does not allow Amazon SES. Change it to: {expected}")             \
    X(SV_F_SPF_SES_NOT_INCLUDED, "spf_ses_not_included", SV_WARNING,                               \
      "The SPF record at {owner} does not allow Amazon SES. Change it to: {expected}")             \
    X(SV_F_DMARC_MULTIPLE_RECORDS, "dmarc_multiple_records", SV_ERROR,                             \
      "{owner} has several DMARC records, so receivers ignore them all. Keep one.")                \
    X(SV_F_DMARC_VERSION_MALFORMED, "dmarc_version_malformed", SV_ERROR,                           \
      "The DMARC record at {owner} reads {found}. It must begin with v=DMARC1; exactly.")          \
    /* policy */                                                                                   \
    X(SV_F_SPF_ALL_PERMISSIVE, "spf_all_permissive", SV_ERROR,                                     \
      "The SPF record at {owner} lets everyone send in your name ({found}). Use ~all or -all.")    \
    X(SV_F_SPF_ALL_MISSING, "spf_all_missing", SV_WARNING,                                         \
      "End the SPF record at {owner} with ~all.")                                                  \
    X(SV_F_DMARC_POLICY_INVALID, "dmarc_policy_invalid", SV_ERROR,                                 \
      "In the DMARC record at {owner}, {found} is not none, quarantine or reject.")                \
    X(SV_F_DMARC_POLICY_MISSING, "dmarc_policy_missing", SV_WARNING,                               \
      "Add p=none to the DMARC record at {owner}; older receivers ignore it without a policy.")    \
    /* advice */                                                                                   \
    X(SV_F_DMARC_INHERITED, "dmarc_inherited", SV_INFO,                                            \
      "{owner} has no DMARC record of its own; the one at {found} applies.")                       \
    X(SV_F_DMARC_POLICY_NONE, "dmarc_policy_none", SV_INFO,                                        \
      "The DMARC policy at {owner} only watches. Tighten it once the reports are clean.")

#endif
