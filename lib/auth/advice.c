/* The advice of every code: one line in the imperative, with the record to paste where there is
 * one.
 *
 * Places: {owner}, {expected}, {found}, {other} are the finding's own; {d} is the domain, {n} the
 * finding's number, {until} its time. */
#include "advice.h"

static const char *const advice[SV_F_COUNT] = {
    [SV_F_NONE] = "",

    /* registration and delegation */
    [SV_F_DNS_DOMAIN_NXDOMAIN] =
        "{owner} is not registered or has expired. Check the spelling and the registrar account.",
    [SV_F_DNS_NOT_DELEGATED] =
        "{owner} has no name servers at its registry. Set them at the registrar.",
    [SV_F_DNS_DOMAIN_PARKED] = "{owner} is parked at {found}. Move it to a real DNS service.",
    [SV_F_DNS_LAME_DELEGATION] =
        "None of the name servers listed for {owner} knows the zone ({found}). Correct the name "
        "servers at the registrar or recreate the zone.",
    [SV_F_DNS_EDITED_AT_OLD_PROVIDER] =
        "The record exists at {found}, but {d} uses {other} now. Add it where the domain is really "
        "served: {owner} {expected}",
    [SV_F_DNS_DELEGATION_MISMATCH] = "The registrar lists {expected} for {owner}, the zone itself "
                                     "lists {found}. Make both the same.",
    [SV_F_DNS_PARTLY_LAME] = "{found} is listed for {owner} but does not serve it. Remove it or "
                             "repair it; look-ups fail at random.",
    [SV_F_DNS_PRIVATE_ANSWER] =
        "{owner} leads to an internal address ({found}). Publish public data in the public zone.",

    /* DNSSEC */
    [SV_F_DNS_DNSSEC_DS_MISMATCH] = "The DS record of {owner} at the registrar belongs to an older "
                                    "key, often after a change of provider. Replace or delete it.",
    [SV_F_DNS_DNSSEC_EXPIRED] =
        "The DNSSEC signatures of {owner} expired at {until}. Have the zone signed again.",
    [SV_F_DNS_DNSSEC_NOT_YET_VALID] =
        "The DNSSEC signatures of {owner} begin in the future, at {until}: the signer's clock is "
        "wrong. Correct it and sign again.",
    [SV_F_DNS_DNSSEC_BOGUS] = "DNSSEC validation of {owner} fails, so most receivers see nothing. "
                              "Repair or remove the DS record at the registrar.",
    [SV_F_DNS_DNSSEC_UNSUPPORTED] =
        "The zone of {owner} uses a DNSSEC algorithm that some resolvers do not know.",

    /* reachability */
    [SV_F_DNS_UNREACHABLE] =
        "The name servers of {d} do not answer for {owner}. Ask your DNS provider; we keep trying.",
    [SV_F_DNS_TCP_UNAVAILABLE] =
        "The answer for {owner} needs TCP port 53, which {found} blocks. Open it.",
    [SV_F_DNS_SERVFAIL] =
        "Your DNS answers with an error for {owner}. We retry; contact the provider if it lasts.",
    [SV_F_DNS_NETWORK_ERROR] =
        "There is a temporary network problem towards the name servers of {owner}. We retry.",
    [SV_F_DNS_MALFORMED_REPLY] =
        "{found} sends invalid DNS messages for {owner}. Report it to your DNS provider.",
    [SV_F_DNS_ANSWER_FILTERED] =
        "One resolver ({found}) filters {owner}. The other resolvers decide.",
    [SV_F_DNS_EDNS_BROKEN] = "{found} mishandles EDNS, so large keys may not be delivered. Ask "
                             "your DNS provider to repair it.",
    [SV_F_SPF_TEMPERROR] =
        "{owner}, which the SPF record depends on, did not answer. We try again.",
    [SV_F_DNS_CNAME_LOOP] =
        "The aliases that start at {owner} lead back to themselves. Correct one of them.",
    [SV_F_DNS_CNAME_CHAIN_TOO_LONG] =
        "Too many aliases follow each other from {owner} on. Shorten the chain.",

    /* zone inconsistency and caching */
    [SV_F_DNS_NS_INCONSISTENT] = "Your name servers disagree about {owner}: {found}. Usually this "
                                 "settles within minutes; if not, call your provider.",
    [SV_F_DNS_SECONDARY_LAGGING] = "{found} still has an older copy of the zone of {owner}. Wait "
                                   "for the transfer, or trigger it.",
    [SV_F_DNS_NEGATIVE_CACHED] = "The record at {owner} is there. Resolvers may remember its "
                                 "absence until {until}. No action is needed.",
    [SV_F_DNS_STALE_CACHE] = "The new value of {owner} is published; the old one is cached until "
                             "{until}. No action is needed.",
    [SV_F_DNS_RECORD_REMOVED] = "The record at {owner} has been deleted from the zone. Restore it "
                                "before {until}, when caches expire: {expected}",

    /* owner name wrong */
    [SV_F_DNS_NAME_NOT_ASCII] = "{found}, entered for {owner}, holds letters that DNS does not "
                                "carry as such. Use the form {expected}.",
    [SV_F_DKIM_CNAME_DOUBLED_SUFFIX] =
        "The record is at {found}: your panel adds the domain by itself. Enter the name without "
        "it, so that the record appears as {owner} CNAME {expected}",
    [SV_F_DKIM_UNDERSCORE_STRIPPED] =
        "The record is at {found}: its underscore was lost. Create {owner} CNAME {expected}; ask "
        "the provider if the panel refuses underscores.",
    [SV_F_DKIM_CNAME_NO_DOMAINKEY] =
        "The record is at {found}: the part ._domainkey is missing. Move it to {owner}.",
    [SV_F_DKIM_CNAME_LABELS_SWAPPED] =
        "The record is at {found}: the parts of its name are interchanged. Move it to {owner}.",
    [SV_F_DKIM_CNAME_OWNER_TYPO] = "The name reads {found}, it must be {owner}. Correct it.",
    [SV_F_DKIM_CNAME_WRONG_DOMAIN] =
        "The records are in {found}; they belong in {d}. Create {owner} CNAME {expected}",
    [SV_F_OWNERSHIP_TXT_WRONG_OWNER] =
        "The ownership token is at {found}. Move it to {owner}, with the value {expected}.",
    [SV_F_MAILFROM_NOT_SUBDOMAIN] =
        "The MAIL FROM domain {found} is not below {d}. Choose a subdomain such as {expected}.",
    [SV_F_MAILFROM_MX_WRONG_OWNER] =
        "The MX record of Amazon SES is at {found}, where it does not belong; at {d} itself it "
        "would take over your incoming mail. Move it to {owner}: {expected}",
    [SV_F_SPF_WRONG_OWNER] =
        "The SPF record is at {found}, where nobody looks for it. Move it to {owner}.",
    [SV_F_DMARC_WRONG_OWNER] =
        "The DMARC record is at {found}, where nobody looks for it. Move it to {owner}.",

    /* record type wrong */
    [SV_F_DKIM_RECORD_AS_TXT] =
        "{owner} is a TXT record. Change its type to CNAME, with the value {expected}.",
    [SV_F_DKIM_RECORD_AS_A] =
        "{owner} has the address {found}. Replace it by a CNAME record with the value {expected}.",
    [SV_F_SPF_TYPE99] =
        "{owner} publishes SPF only as the abandoned record type 99. Publish it as TXT: {expected}",

    /* conflict and proxy */
    [SV_F_DKIM_CNAME_PROXIED] = "{owner} is proxied by your DNS provider ({found}). Switch the "
                                "record to \"DNS only\", with the value {expected}.",
    [SV_F_DKIM_CNAME_FLATTENED] = "Your DNS provider flattens the alias at {owner}. Turn off CNAME "
                                  "flattening for this record, with the value {expected}.",
    [SV_F_DKIM_CNAME_CONFLICT] = "Other records are beside the CNAME at {owner} ({found}). Delete "
                                 "them and keep only CNAME {expected}.",
    [SV_F_DNS_CNAME_MULTIPLE] =
        "{owner} has several CNAME records ({found}). Keep only {expected}.",
    [SV_F_DNS_CNAME_OTHER_DATA] =
        "A CNAME must be the only record at {owner}, but there is also {found}. Delete the CNAME "
        "to {other}; at the top of a domain there can be none.",
    [SV_F_MAILFROM_IS_CNAME] =
        "{owner} is an alias for {found}. Delete that CNAME and add records of its own: {owner} MX "
        "{expected} and {owner} TXT v=spf1 include:amazonses.com ~all",
    [SV_F_DNS_WILDCARD_ANSWER] = "A wildcard record answers for every name, also for {owner} "
                                 "({found}). Add the exact record, it takes precedence: {expected}",

    /* record absent */
    [SV_F_DKIM_CNAME_MISSING] =
        "Add the DKIM records as shown, beginning with: {owner} CNAME {expected}",
    [SV_F_DKIM_CNAME_PARTIAL] =
        "Part of the DKIM records is right. Add what is still missing: {found}.",
    [SV_F_OWNERSHIP_TXT_MISSING] = "Add a TXT record at {owner} with the value {expected}.",
    [SV_F_MAILFROM_MX_MISSING] = "Add an MX record at {owner}: {expected}",
    [SV_F_MAILFROM_SPF_MISSING] = "Add a TXT record at {owner}: {expected}",
    [SV_F_SPF_MISSING] = "Add a TXT record at {owner}: {expected}",
    [SV_F_DMARC_MISSING] = "Add a TXT record at {owner}: {expected}",

    /* value wrong */
    [SV_F_DKIM_CNAME_TARGET_SUFFIXED] = "Your panel appended the domain to the value, which now "
                                        "reads {found}. End the value with a dot: {expected}.",
    [SV_F_DKIM_CNAME_TARGET_SCHEME] = "The value {found} is no bare host name. Enter only "
                                      "{expected}, without http, slash, blank or quotes.",
    [SV_F_DKIM_CNAME_SWAPPED_TOKENS] = "The values of your DKIM records are interchanged: {owner} "
                                       "must point to {expected}, not to {found}.",
    [SV_F_DKIM_CNAME_WRONG_ZONE] =
        "The value {found} ends in the zone of another region. Use {expected}.",
    [SV_F_DKIM_CNAME_TARGET_TYPO] =
        "The value reads {found} but must be {expected}. Copy and paste it.",
    [SV_F_DKIM_CNAME_STALE_TOKEN] = "{owner} points to {found}, which belongs to an earlier set-up "
                                    "or another account. Replace it by {expected}.",
    [SV_F_DKIM_CNAME_TARGET_OTHER] =
        "{owner} points to {found}, which is not Amazon SES. Change the value to {expected}.",
    [SV_F_OWNERSHIP_TXT_MISMATCH] =
        "The TXT record at {owner} reads {found}, none of it is the token. Add a TXT record with "
        "the value {expected}; keep the others if other accounts use them.",
    [SV_F_MAILFROM_NULL_MX] = "{owner} refuses all mail by a null MX. Replace it by: {expected}",
    [SV_F_MAILFROM_MX_MULTIPLE] =
        "Amazon SES accepts exactly one MX record at {owner}. Of {found}, keep only {expected}; "
        "choose another subdomain if you receive mail there.",
    [SV_F_MAILFROM_MX_PRIORITY_IN_NAME] =
        "The priority became part of the host name {found}. Put 10 into the priority field and "
        "only the host into the value: {expected}",
    [SV_F_MAILFROM_MX_TARGET_SUFFIXED] = "Your panel appended the domain to the host, which now "
                                         "reads {found}. End the host name with a dot: {expected}",
    [SV_F_MAILFROM_MX_INBOUND_HOST] = "{found} is the host for receiving mail. Use {expected}.",
    [SV_F_MAILFROM_MX_WRONG_REGION] = "The MX record at {owner} names {found}, the host of another "
                                      "region. Change it to {expected}.",
    [SV_F_MAILFROM_MX_TARGET_TYPO] =
        "The MX host reads {found} but must be {expected}. Copy and paste it.",
    [SV_F_MAILFROM_MX_NOT_SES] = "The MX record at {owner} names {found}. It must be {expected}.",
    [SV_F_SPF_MULTIPLE_RECORDS] =
        "{owner} has several SPF records, so receivers use none. Merge them into one, with "
        "include:amazonses.com in it: {expected}",
    [SV_F_SPF_VERSION_MALFORMED] =
        "The SPF record at {owner} reads {found}. It must begin with v=spf1 and a blank.",
    [SV_F_SPF_CHUNK_GAP] = "In the SPF record at {owner}, a blank was lost where the value is "
                           "split into strings: {found}. Write {expected}",
    [SV_F_SPF_SPACE_AFTER_COLON] =
        "In the SPF record at {owner}, remove the blank after the colon: {found}. Write {expected}",
    [SV_F_SPF_IP_INVALID] =
        "In the SPF record at {owner}, \"{found}\" is not a valid address range. Correct or "
        "remove it.",
    [SV_F_SPF_DUPLICATE_MODIFIER] =
        "In the SPF record at {owner}, {found} stands more than once. Keep one of them.",
    [SV_F_SPF_UNKNOWN_MECHANISM] =
        "In the SPF record at {owner}, \"{found}\" is not an SPF term. Correct or remove it.",
    [SV_F_SPF_SYNTAX_ERROR] =
        "The SPF record at {owner} has an error at \"{found}\": {expected}. Correct it.",
    [SV_F_SPF_TOO_MANY_LOOKUPS] =
        "The SPF record at {owner} needs up to {n} look-ups, and receivers give up after 10. "
        "Remove unused includes; the largest: {found}.",
    [SV_F_SPF_TOO_MANY_VOID_LOOKUPS] =
        "The SPF record at {owner} refers to {n} names where nothing is found: {found}. "
        "Receivers give up after two. Remove them.",
    [SV_F_SPF_MX_TOO_MANY] = "The mx term at {owner} leads to more than 10 hosts ({found}). "
                             "Replace it by ip4 and ip6 ranges.",
    [SV_F_SPF_INCLUDE_LOOP] =
        "The includes of the SPF record at {owner} run in a circle: {found}. Remove one of these.",
    [SV_F_SPF_INCLUDE_NO_RECORD] = "{found} publishes no SPF record, so the one at {owner} fails "
                                   "for all mail that no term before "
                                   "it lets pass. Remove that include.",
    [SV_F_SPF_REDIRECT_NO_RECORD] = "The SPF record at {owner} redirects to {found}, which "
                                    "publishes no SPF record. Correct that name or remove it.",
    [SV_F_SPF_INCLUDE_ERROR] = "{found}, which the SPF record at {owner} refers to, is itself "
                               "broken: {expected}. Tell its owner or remove it.",
    [SV_F_SPF_SES_MISSPELLED] =
        "The SPF record at {owner} says {found}. Write include:amazonses.com instead: "
        "{expected}",
    [SV_F_SPF_SES_AFTER_ALL] = "In the SPF record at {owner}, whatever follows all is ignored. "
                               "Move the include before it: {expected}",
    [SV_F_SPF_SES_WRONG_QUALIFIER] =
        "The SPF record at {owner} says {found}. Remove the sign before include: {expected}",
    [SV_F_MAILFROM_SPF_NO_SES] =
        "The SPF record at {owner} does not allow Amazon SES. It needs "
        "include:amazonses.com before all and any other term that refuses: {expected}",
    [SV_F_SPF_SES_NOT_INCLUDED] =
        "The SPF record at {owner} does not allow Amazon SES. It needs "
        "include:amazonses.com before all and any other term that refuses: {expected}",
    [SV_F_DMARC_MULTIPLE_RECORDS] =
        "{owner} has several DMARC records, so receivers ignore them all. Keep one.",
    [SV_F_DMARC_VERSION_MALFORMED] =
        "The DMARC record at {owner} reads {found}. It must begin with v=DMARC1; exactly.",
    [SV_F_DMARC_TAG_SYNTAX] =
        "In the DMARC record at {owner}, the problem is at \"{found}\". Write each tag once, as "
        "name=value with a value of the standard, and separate the tags with semicolons.",

    /* key content */
    [SV_F_DKIM_KEY_MISSING_AT_TARGET] =
        "Amazon has not published the key behind {owner} yet. No action is needed.",
    [SV_F_DKIM_KEY_MULTIPLE] =
        "Keep exactly one TXT record at {owner}; a long key is several strings in one record.",
    [SV_F_DKIM_KEY_QUOTES_EMBEDDED] =
        "Remove the quotation marks from the key at {owner}; the panel adds them.",
    [SV_F_DKIM_KEY_SYNTAX] = "The key at {owner} is damaged near \"{found}\". Paste it again.",
    [SV_F_DKIM_KEY_VERSION_BAD] = "The key at {owner} must begin with v=DKIM1, not with {found}.",
    [SV_F_DKIM_KEY_PUBLIC_MISSING] = "The key part p= is missing at {owner}, where there is "
                                     "{found}. Publish the whole key record.",
    [SV_F_DKIM_KEY_REVOKED] =
        "The key at {owner} has been revoked (p= is empty). Publish the current one.",
    [SV_F_DKIM_KEY_BASE64_INVALID] =
        "The key at {owner} contains characters that do not belong there: {found}. Paste it again.",
    [SV_F_DKIM_KEY_PUBLIC_INVALID] =
        "The key at {owner} is cut off or of the wrong kind (got {n} octets). Paste it again.",
    [SV_F_DKIM_KEY_TYPE_UNKNOWN] = "The key at {owner} has the unsupported type {found}. Use rsa.",
    [SV_F_DKIM_KEY_HASH_UNSUPPORTED] =
        "The key at {owner} allows only {found}. Remove h= or add sha256.",
    [SV_F_DKIM_KEY_WRONG_SERVICE] =
        "The key at {owner} is for the service {found} only. Remove s=.",
    [SV_F_DKIM_KEY_TOO_SHORT] = "Receivers must refuse keys under 1024 bits; the one at {owner} "
                                "has {n}. Create a 2048-bit key.",
    [SV_F_DKIM_KEY_MISMATCH] =
        "The key published at {owner} is not the one used for signing. Publish the whole record "
        "as shown.",
    [SV_F_DKIM_KEY_1024] = "The key at {owner} has {n} bits: it works today; move to 2048.",
    [SV_F_DKIM_KEY_TOO_LONG] =
        "The key at {owner} has {n} bits; some receivers cannot verify more than 4096. Use 2048.",
    [SV_F_DKIM_KEY_TESTING_FLAG] =
        "Remove t=y from the key at {owner}, or the signature counts for nothing.",
    [SV_F_DKIM_KEY_ED25519_ONLY] =
        "All keys are Ed25519, which not all receivers support; sign with RSA as well.",
    [SV_F_DKIM_KEY_STRICT_FLAG] =
        "Identities in subdomains are not covered by the key at {owner} (t=s).",

    /* policy */
    [SV_F_DMARC_NO_ALIGNED_IDENTIFIER] = "DMARC fails for every message of {owner}: {found}. "
                                         "Let Amazon SES sign for {owner} with DKIM.",
    [SV_F_DMARC_PSD_FLAG] =
        "psd=y at {owner} is for registries; it detaches your subdomains. Remove it.",
    [SV_F_SPF_ALL_PERMISSIVE] =
        "The SPF record at {owner} lets everyone send in your name ({found}). Remove that, and "
        "end the record with ~all or -all.",
    [SV_F_SPF_ALL_MISSING] = "End the SPF record at {owner} with ~all.",
    [SV_F_SPF_REDIRECT_IGNORED] =
        "In the SPF record at {owner}, {found} has no effect beside all. Remove it.",
    [SV_F_DMARC_POLICY_INVALID] =
        "In the DMARC record at {owner}, {found} is not none, quarantine or reject. Write one of "
        "these.",
    [SV_F_DMARC_POLICY_MISSING] = "Add p=none to the DMARC record at {owner}; older receivers "
                                  "ignore it without a policy: {expected}",
    [SV_F_DMARC_RECEIVERS_DIFFER] = "Old and new receivers reach different results for {d}: "
                                    "{found}. Publish an explicit record at {owner}: {expected}",
    [SV_F_DMARC_ORG_DOMAIN_SPLIT] = "{found} counts as its own organization, so signatures of its "
                                    "parent do not align. Publish a record at {owner}: {expected}",
    [SV_F_DMARC_STRICT_SPF] = "aspf=s at {owner} keeps SPF from aligning with {found}, so only "
                              "DKIM can pass. Set aspf=r.",
    [SV_F_DMARC_STRICT_DKIM] =
        "With adkim=s at {owner}, mail from subdomains is not aligned with the signature of "
        "{found}. Set adkim=r, or verify each such subdomain itself.",
    [SV_F_DMARC_SP_WEAKER] = "{found} in the DMARC record at {owner} protects subdomains less than "
                             "the domain itself. Make it at least as strict as p.",
    [SV_F_DMARC_RUA_INVALID] = "In the DMARC record at {owner}, \"{found}\" is no valid report "
                               "address. Write it as mailto:name@domain",
    [SV_F_DMARC_RUA_NOT_AUTHORIZED] = "{found} does not accept DMARC reports about {d}. Ask its "
                                      "owner to publish {owner} TXT \"v=DMARC1\".",
    [SV_F_DMARC_RUA_UNDELIVERABLE] = "DMARC reports to {found} cannot be delivered: it takes no "
                                     "mail. Correct the address in the record at {owner}.",
    [SV_F_DMARC_RUA_MISSING] = "Without rua in the DMARC record at {owner} you get no reports. Add "
                               "rua=mailto:name@domain, "
                               "for example: {expected}",
    [SV_F_FROM_DOMAIN_CANNOT_RECEIVE] = "Replies to {owner} bounce ({found}), and some providers "
                                        "demand a working address. Add an MX record.",

    /* advice */
    [SV_F_SPF_NEAR_LOOKUP_LIMIT] =
        "The SPF record at {owner} uses {n} of 10 look-ups; the next service breaks it.",
    [SV_F_SPF_DUPLICATE_INCLUDE] = "{found} is included twice in the SPF record at {owner}; each "
                                   "time costs a look-up. Remove one.",
    [SV_F_SPF_PTR_USED] = "The SPF record at {owner} uses ptr, which is slow and discouraged. "
                          "Replace it by ip4 and ip6 ranges.",
    [SV_F_SPF_TOO_LARGE] =
        "The SPF record at {owner} has {n} octets; long answers get lost. Shorten it below 450.",
    [SV_F_SPF_MACRO_UNRESOLVED] = "{found} in the SPF record at {owner} depends on the message and "
                                  "cannot be checked fully here.",
    [SV_F_DMARC_INHERITED] = "{owner} has no DMARC record of its own; the one at {found} applies.",
    [SV_F_DMARC_POLICY_NONE] =
        "The DMARC policy at {owner} only watches. Tighten it once the reports are clean.",
    [SV_F_DMARC_TEST_MODE] =
        "t=y in the DMARC record at {owner}: the policy is applied one step weaker, but in full by "
        "receivers of the older standard.",
    [SV_F_DMARC_DEPRECATED_TAG] = "{found} in the DMARC record at {owner} was removed from the "
                                  "standard in 2026 and is ignored; for tests there is t=y.",
    [SV_F_DMARC_UNKNOWN_TAG] =
        "{found} in the DMARC record at {owner} is ignored. Is it a typing error?",
    [SV_F_DMARC_ORDER_LEGACY] =
        "Put p right after v in the DMARC record at {owner}, for older receivers: {expected}",
    [SV_F_DNS_SUBZONE_DELEGATED] = "{owner} is managed by {found}. Enter the records there.",
    [SV_F_DNS_TTL_TOO_LONG] =
        "The TTL of {owner} is {n} seconds. Lower it to 3600 until the set-up is finished.",
    [SV_F_DKIM_SES_PENDING] = "DNS is right. Amazon checks on its own schedule, up to 72 hours.",
};

const char *sv_advice(enum sv_finding_code code)
{
    return (unsigned)code < SV_F_COUNT ? advice[code] : "";
}
