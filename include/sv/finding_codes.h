/* The catalogue of diagnoses: every stable code with its severity (dns-auth section 10). The advice
 * is in lib/auth/advice.c. */
#ifndef SV_FINDING_CODES_H
#define SV_FINDING_CODES_H

/* X(enumerator, "stable_code", severity). Codes are public API: added, never renamed.
 *
 * The order of the table is the order in which people should read findings (dns-auth section 11):
 * what comes first explains, or stands in the way of, what comes later. A report is sorted by it.
 */
#define SV_FINDING_MAP(X)                                                                          \
    /* registration and delegation */                                                              \
    X(SV_F_DNS_DOMAIN_NXDOMAIN, "dns_domain_nxdomain", SV_ERROR)                                   \
    X(SV_F_DNS_NOT_DELEGATED, "dns_not_delegated", SV_ERROR)                                       \
    X(SV_F_DNS_DOMAIN_PARKED, "dns_domain_parked", SV_ERROR)                                       \
    X(SV_F_DNS_LAME_DELEGATION, "dns_lame_delegation", SV_ERROR)                                   \
    X(SV_F_DNS_EDITED_AT_OLD_PROVIDER, "dns_edited_at_old_provider", SV_ERROR)                     \
    X(SV_F_DNS_DELEGATION_MISMATCH, "dns_delegation_mismatch", SV_WARNING)                         \
    X(SV_F_DNS_PARTLY_LAME, "dns_partly_lame", SV_WARNING)                                         \
    X(SV_F_DNS_PRIVATE_ANSWER, "dns_private_answer", SV_ERROR)                                     \
    /* DNSSEC */                                                                                   \
    X(SV_F_DNS_DNSSEC_DS_MISMATCH, "dns_dnssec_ds_mismatch", SV_ERROR)                             \
    X(SV_F_DNS_DNSSEC_EXPIRED, "dns_dnssec_expired", SV_ERROR)                                     \
    X(SV_F_DNS_DNSSEC_NOT_YET_VALID, "dns_dnssec_not_yet_valid", SV_ERROR)                         \
    X(SV_F_DNS_DNSSEC_BOGUS, "dns_dnssec_bogus", SV_ERROR)                                         \
    X(SV_F_DNS_DNSSEC_UNSUPPORTED, "dns_dnssec_unsupported", SV_INFO)                              \
    /* reachability */                                                                             \
    X(SV_F_DNS_UNREACHABLE, "dns_all_servers_unreachable", SV_TEMPORARY)                           \
    X(SV_F_DNS_TCP_UNAVAILABLE, "dns_tcp_unavailable", SV_ERROR)                                   \
    X(SV_F_DNS_SERVFAIL, "dns_servfail", SV_TEMPORARY)                                             \
    X(SV_F_DNS_NETWORK_ERROR, "dns_network_error", SV_TEMPORARY)                                   \
    X(SV_F_DNS_MALFORMED_REPLY, "dns_malformed_reply", SV_TEMPORARY)                               \
    X(SV_F_DNS_ANSWER_FILTERED, "dns_answer_filtered", SV_TEMPORARY)                               \
    X(SV_F_DNS_EDNS_BROKEN, "dns_edns_broken", SV_WARNING)                                         \
    X(SV_F_SPF_TEMPERROR, "spf_temperror", SV_TEMPORARY)                                           \
    X(SV_F_DNS_CNAME_LOOP, "dns_cname_loop", SV_ERROR)                                             \
    X(SV_F_DNS_CNAME_CHAIN_TOO_LONG, "dns_cname_chain_too_long", SV_WARNING)                       \
    /* zone inconsistency and caching */                                                           \
    X(SV_F_DNS_NS_INCONSISTENT, "dns_ns_inconsistent", SV_TEMPORARY)                               \
    X(SV_F_DNS_SECONDARY_LAGGING, "dns_secondary_lagging", SV_TEMPORARY)                           \
    X(SV_F_DNS_NEGATIVE_CACHED, "dns_negative_cached", SV_TEMPORARY)                               \
    X(SV_F_DNS_STALE_CACHE, "dns_stale_cache", SV_TEMPORARY)                                       \
    X(SV_F_DNS_RECORD_REMOVED, "dns_record_removed", SV_ERROR)                                     \
    /* owner name wrong */                                                                         \
    X(SV_F_DNS_NAME_NOT_ASCII, "dns_name_not_ascii", SV_ERROR)                                     \
    X(SV_F_DKIM_CNAME_DOUBLED_SUFFIX, "dkim_cname_doubled_suffix", SV_ERROR)                       \
    X(SV_F_DKIM_UNDERSCORE_STRIPPED, "dkim_underscore_stripped", SV_ERROR)                         \
    X(SV_F_DKIM_CNAME_NO_DOMAINKEY, "dkim_cname_no_domainkey", SV_ERROR)                           \
    X(SV_F_DKIM_CNAME_LABELS_SWAPPED, "dkim_cname_labels_swapped", SV_ERROR)                       \
    X(SV_F_DKIM_CNAME_OWNER_TYPO, "dkim_cname_owner_typo", SV_ERROR)                               \
    X(SV_F_DKIM_CNAME_WRONG_DOMAIN, "dkim_cname_wrong_domain", SV_ERROR)                           \
    X(SV_F_OWNERSHIP_TXT_WRONG_OWNER, "ownership_txt_wrong_owner", SV_ERROR)                       \
    X(SV_F_MAILFROM_NOT_SUBDOMAIN, "mailfrom_not_subdomain", SV_ERROR)                             \
    X(SV_F_MAILFROM_MX_WRONG_OWNER, "mailfrom_mx_wrong_owner", SV_ERROR)                           \
    X(SV_F_SPF_WRONG_OWNER, "spf_wrong_owner", SV_ERROR)                                           \
    X(SV_F_DMARC_WRONG_OWNER, "dmarc_wrong_owner", SV_ERROR)                                       \
    /* record type wrong */                                                                        \
    X(SV_F_DKIM_RECORD_AS_TXT, "dkim_record_as_txt", SV_ERROR)                                     \
    X(SV_F_DKIM_RECORD_AS_A, "dkim_record_as_a", SV_ERROR)                                         \
    X(SV_F_SPF_TYPE99, "spf_type99", SV_WARNING)                                                   \
    /* conflict and proxy */                                                                       \
    X(SV_F_DKIM_CNAME_PROXIED, "dkim_cname_proxied", SV_ERROR)                                     \
    X(SV_F_DKIM_CNAME_FLATTENED, "dkim_cname_flattened", SV_ERROR)                                 \
    X(SV_F_DKIM_CNAME_CONFLICT, "dkim_cname_conflict", SV_ERROR)                                   \
    X(SV_F_DNS_CNAME_MULTIPLE, "dns_cname_multiple", SV_ERROR)                                     \
    X(SV_F_DNS_CNAME_OTHER_DATA, "dns_cname_other_data", SV_ERROR)                                 \
    X(SV_F_MAILFROM_IS_CNAME, "mailfrom_is_cname", SV_ERROR)                                       \
    X(SV_F_DNS_WILDCARD_ANSWER, "dns_wildcard_answer", SV_WARNING)                                 \
    /* record absent */                                                                            \
    X(SV_F_DKIM_CNAME_MISSING, "dkim_cname_missing", SV_ERROR)                                     \
    X(SV_F_DKIM_CNAME_PARTIAL, "dkim_cname_partial", SV_ERROR)                                     \
    X(SV_F_OWNERSHIP_TXT_MISSING, "ownership_txt_missing", SV_ERROR)                               \
    X(SV_F_MAILFROM_MX_MISSING, "mailfrom_mx_missing", SV_ERROR)                                   \
    X(SV_F_MAILFROM_SPF_MISSING, "mailfrom_spf_missing", SV_ERROR)                                 \
    X(SV_F_SPF_MISSING, "spf_missing", SV_WARNING)                                                 \
    X(SV_F_DMARC_MISSING, "dmarc_missing", SV_ERROR)                                               \
    /* value wrong */                                                                              \
    X(SV_F_DKIM_CNAME_TARGET_SUFFIXED, "dkim_cname_target_suffixed", SV_ERROR)                     \
    X(SV_F_DKIM_CNAME_TARGET_SCHEME, "dkim_cname_target_scheme", SV_ERROR)                         \
    X(SV_F_DKIM_CNAME_SWAPPED_TOKENS, "dkim_cname_swapped_tokens", SV_ERROR)                       \
    X(SV_F_DKIM_CNAME_WRONG_ZONE, "dkim_cname_wrong_zone", SV_ERROR)                               \
    X(SV_F_DKIM_CNAME_TARGET_TYPO, "dkim_cname_target_typo", SV_ERROR)                             \
    X(SV_F_DKIM_CNAME_STALE_TOKEN, "dkim_cname_stale_token", SV_ERROR)                             \
    X(SV_F_DKIM_CNAME_TARGET_OTHER, "dkim_cname_target_other", SV_ERROR)                           \
    X(SV_F_OWNERSHIP_TXT_MISMATCH, "ownership_txt_mismatch", SV_ERROR)                             \
    X(SV_F_MAILFROM_NULL_MX, "mailfrom_null_mx", SV_ERROR)                                         \
    X(SV_F_MAILFROM_MX_MULTIPLE, "mailfrom_mx_multiple", SV_ERROR)                                 \
    X(SV_F_MAILFROM_MX_PRIORITY_IN_NAME, "mailfrom_mx_priority_in_name", SV_ERROR)                 \
    X(SV_F_MAILFROM_MX_TARGET_SUFFIXED, "mailfrom_mx_target_suffixed", SV_ERROR)                   \
    X(SV_F_MAILFROM_MX_INBOUND_HOST, "mailfrom_mx_inbound_host", SV_ERROR)                         \
    X(SV_F_MAILFROM_MX_WRONG_REGION, "mailfrom_mx_wrong_region", SV_ERROR)                         \
    X(SV_F_MAILFROM_MX_TARGET_TYPO, "mailfrom_mx_target_typo", SV_ERROR)                           \
    X(SV_F_MAILFROM_MX_NOT_SES, "mailfrom_mx_not_ses", SV_ERROR)                                   \
    X(SV_F_SPF_MULTIPLE_RECORDS, "spf_multiple_records", SV_ERROR)                                 \
    X(SV_F_SPF_VERSION_MALFORMED, "spf_version_malformed", SV_ERROR)                               \
    X(SV_F_SPF_CHUNK_GAP, "spf_chunk_gap", SV_ERROR)                                               \
    X(SV_F_SPF_SPACE_AFTER_COLON, "spf_space_after_colon", SV_ERROR)                               \
    X(SV_F_SPF_IP_INVALID, "spf_ip_invalid", SV_ERROR)                                             \
    X(SV_F_SPF_DUPLICATE_MODIFIER, "spf_duplicate_modifier", SV_ERROR)                             \
    X(SV_F_SPF_UNKNOWN_MECHANISM, "spf_unknown_mechanism", SV_ERROR)                               \
    X(SV_F_SPF_SYNTAX_ERROR, "spf_syntax_error", SV_ERROR)                                         \
    X(SV_F_SPF_TOO_MANY_LOOKUPS, "spf_too_many_lookups", SV_ERROR)                                 \
    X(SV_F_SPF_TOO_MANY_VOID_LOOKUPS, "spf_too_many_void_lookups", SV_ERROR)                       \
    X(SV_F_SPF_MX_TOO_MANY, "spf_mx_too_many", SV_ERROR)                                           \
    X(SV_F_SPF_INCLUDE_LOOP, "spf_include_loop", SV_ERROR)                                         \
    X(SV_F_SPF_INCLUDE_NO_RECORD, "spf_include_no_record", SV_ERROR)                               \
    X(SV_F_SPF_REDIRECT_NO_RECORD, "spf_redirect_no_record", SV_ERROR)                             \
    X(SV_F_SPF_INCLUDE_ERROR, "spf_include_error", SV_ERROR)                                       \
    X(SV_F_SPF_SES_MISSPELLED, "spf_ses_misspelled", SV_ERROR)                                     \
    X(SV_F_SPF_SES_AFTER_ALL, "spf_ses_after_all", SV_ERROR)                                       \
    X(SV_F_SPF_SES_WRONG_QUALIFIER, "spf_ses_wrong_qualifier", SV_ERROR)                           \
    X(SV_F_MAILFROM_SPF_NO_SES, "mailfrom_spf_no_ses", SV_ERROR)                                   \
    X(SV_F_SPF_SES_NOT_INCLUDED, "spf_ses_not_included", SV_WARNING)                               \
    X(SV_F_DMARC_MULTIPLE_RECORDS, "dmarc_multiple_records", SV_ERROR)                             \
    X(SV_F_DMARC_VERSION_MALFORMED, "dmarc_version_malformed", SV_ERROR)                           \
    X(SV_F_DMARC_TAG_SYNTAX, "dmarc_tag_syntax", SV_WARNING)                                       \
    /* key content */                                                                              \
    X(SV_F_DKIM_KEY_MISSING_AT_TARGET, "dkim_key_missing_at_target", SV_TEMPORARY)                 \
    X(SV_F_DKIM_KEY_MULTIPLE, "dkim_key_multiple", SV_ERROR)                                       \
    X(SV_F_DKIM_KEY_QUOTES_EMBEDDED, "dkim_key_quotes_embedded", SV_ERROR)                         \
    X(SV_F_DKIM_KEY_SYNTAX, "dkim_key_syntax", SV_ERROR)                                           \
    X(SV_F_DKIM_KEY_VERSION_BAD, "dkim_key_version_bad", SV_ERROR)                                 \
    X(SV_F_DKIM_KEY_PUBLIC_MISSING, "dkim_key_public_missing", SV_ERROR)                           \
    X(SV_F_DKIM_KEY_REVOKED, "dkim_key_revoked", SV_ERROR)                                         \
    X(SV_F_DKIM_KEY_BASE64_INVALID, "dkim_key_base64_invalid", SV_ERROR)                           \
    X(SV_F_DKIM_KEY_PUBLIC_INVALID, "dkim_key_public_invalid", SV_ERROR)                           \
    X(SV_F_DKIM_KEY_TYPE_UNKNOWN, "dkim_key_type_unknown", SV_ERROR)                               \
    X(SV_F_DKIM_KEY_HASH_UNSUPPORTED, "dkim_key_hash_unsupported", SV_ERROR)                       \
    X(SV_F_DKIM_KEY_WRONG_SERVICE, "dkim_key_wrong_service", SV_ERROR)                             \
    X(SV_F_DKIM_KEY_TOO_SHORT, "dkim_key_too_short", SV_ERROR)                                     \
    X(SV_F_DKIM_KEY_MISMATCH, "dkim_key_mismatch", SV_ERROR)                                       \
    X(SV_F_DKIM_KEY_1024, "dkim_key_1024", SV_WARNING)                                             \
    X(SV_F_DKIM_KEY_TOO_LONG, "dkim_key_too_long", SV_WARNING)                                     \
    X(SV_F_DKIM_KEY_TESTING_FLAG, "dkim_key_testing_flag", SV_WARNING)                             \
    X(SV_F_DKIM_KEY_ED25519_ONLY, "dkim_key_ed25519_only", SV_INFO)                                \
    X(SV_F_DKIM_KEY_STRICT_FLAG, "dkim_key_strict_flag", SV_INFO)                                  \
    /* policy */                                                                                   \
    X(SV_F_DMARC_NO_ALIGNED_IDENTIFIER, "dmarc_no_aligned_identifier", SV_ERROR)                   \
    X(SV_F_DMARC_PSD_FLAG, "dmarc_psd_flag", SV_ERROR)                                             \
    X(SV_F_SPF_ALL_PERMISSIVE, "spf_all_permissive", SV_ERROR)                                     \
    X(SV_F_SPF_ALL_MISSING, "spf_all_missing", SV_WARNING)                                         \
    X(SV_F_SPF_REDIRECT_IGNORED, "spf_redirect_ignored", SV_WARNING)                               \
    X(SV_F_DMARC_POLICY_INVALID, "dmarc_policy_invalid", SV_ERROR)                                 \
    X(SV_F_DMARC_POLICY_MISSING, "dmarc_policy_missing", SV_WARNING)                               \
    X(SV_F_DMARC_RECEIVERS_DIFFER, "dmarc_receivers_differ", SV_WARNING)                           \
    X(SV_F_DMARC_ORG_DOMAIN_SPLIT, "dmarc_org_domain_split", SV_WARNING)                           \
    X(SV_F_DMARC_STRICT_SPF, "dmarc_strict_spf", SV_WARNING)                                       \
    X(SV_F_DMARC_STRICT_DKIM, "dmarc_strict_dkim", SV_WARNING)                                     \
    X(SV_F_DMARC_SP_WEAKER, "dmarc_sp_weaker", SV_WARNING)                                         \
    X(SV_F_DMARC_RUA_INVALID, "dmarc_rua_invalid", SV_WARNING)                                     \
    X(SV_F_DMARC_RUA_NOT_AUTHORIZED, "dmarc_rua_not_authorized", SV_WARNING)                       \
    X(SV_F_DMARC_RUA_UNDELIVERABLE, "dmarc_rua_undeliverable", SV_WARNING)                         \
    X(SV_F_DMARC_RUA_MISSING, "dmarc_rua_missing", SV_WARNING)                                     \
    X(SV_F_FROM_DOMAIN_CANNOT_RECEIVE, "from_domain_cannot_receive", SV_WARNING)                   \
    /* advice */                                                                                   \
    X(SV_F_SPF_NEAR_LOOKUP_LIMIT, "spf_near_lookup_limit", SV_WARNING)                             \
    X(SV_F_SPF_DUPLICATE_INCLUDE, "spf_duplicate_include", SV_WARNING)                             \
    X(SV_F_SPF_PTR_USED, "spf_ptr_used", SV_WARNING)                                               \
    X(SV_F_SPF_TOO_LARGE, "spf_too_large", SV_WARNING)                                             \
    X(SV_F_SPF_MACRO_UNRESOLVED, "spf_macro_unresolved", SV_INFO)                                  \
    X(SV_F_DMARC_INHERITED, "dmarc_inherited", SV_INFO)                                            \
    X(SV_F_DMARC_POLICY_NONE, "dmarc_policy_none", SV_INFO)                                        \
    X(SV_F_DMARC_TEST_MODE, "dmarc_test_mode", SV_INFO)                                            \
    X(SV_F_DMARC_DEPRECATED_TAG, "dmarc_deprecated_tag", SV_INFO)                                  \
    X(SV_F_DMARC_UNKNOWN_TAG, "dmarc_unknown_tag", SV_INFO)                                        \
    X(SV_F_DMARC_ORDER_LEGACY, "dmarc_order_legacy", SV_INFO)                                      \
    X(SV_F_DNS_SUBZONE_DELEGATED, "dns_subzone_delegated", SV_INFO)                                \
    X(SV_F_DNS_TTL_TOO_LONG, "dns_ttl_too_long", SV_INFO)                                          \
    X(SV_F_DKIM_SES_PENDING, "dkim_ses_pending", SV_TEMPORARY)

#endif
