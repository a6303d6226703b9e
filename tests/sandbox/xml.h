/* Writes the XML of the Query protocol. */
#ifndef SB_XML_H
#define SB_XML_H

#include "sv/buf.h"

/* All append to `out` and end the process when its limit is hit: replies are bounded by their
 * callers. */
void sb_xml_open(struct sv_buf *out, const char *name);
void sb_xml_close(struct sv_buf *out, const char *name);

/* <name>text</name> with the text escaped; an empty or NULL text gives <name/>. */
void sb_xml_text(struct sv_buf *out, const char *name, const char *text);
void sb_xml_bool(struct sv_buf *out, const char *name, bool value);

/* <entry><key>...</key><value>, to be ended by sb_xml_entry_close. */
void sb_xml_entry_open(struct sv_buf *out, const char *key);
void sb_xml_entry_close(struct sv_buf *out);

#endif
