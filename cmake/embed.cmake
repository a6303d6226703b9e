# Writes a C file with one byte array per input file and a table over them (struct sv_embedded in sv/embed.h).
separate_arguments(FILES)
set(arrays "")
set(table "")
foreach(file IN LISTS FILES)
  get_filename_component(base "${file}" NAME_WE)
  string(MAKE_C_IDENTIFIER "${base}" ident)
  file(READ "${file}" hex HEX)
  string(REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string(APPEND arrays "static const unsigned char ${SYMBOL}_${ident}[] = {${bytes}0x00};\n")
  string(APPEND table
    "    {\"${base}\", (const char *)${SYMBOL}_${ident}, sizeof ${SYMBOL}_${ident} - 1},\n")
endforeach()
file(WRITE "${OUT}" "#include \"sv/embed.h\"\n\n${arrays}\n"
  "const struct sv_embedded ${SYMBOL}[] = {\n${table}    {0, 0, 0},\n};\n")
