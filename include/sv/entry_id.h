/* Ids of the entries of a Redis stream, "<ms>-<number>". */
#ifndef SV_ENTRY_ID_H
#define SV_ENTRY_ID_H

/* Negative, 0 or positive as `a` comes before, is, or comes after `b`. Without "-<number>" an id
 * ends in 0; what is no id is 0-0. */
int sv_entry_id_compare(const char *a, const char *b);

#endif
