# What every target of the house shares: one interface target for flags, one function per kind of target.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

set(CMAKE_C_STANDARD 17)
set(CMAKE_C_STANDARD_REQUIRED ON)
set(CMAKE_C_EXTENSIONS OFF)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)
if(NOT CMAKE_BUILD_TYPE)
  set(CMAKE_BUILD_TYPE Release)
endif()
set(CMAKE_C_FLAGS_RELEASE "-O2 -g") # asserts of ours stay; NDEBUG is not for us

add_library(sv_flags INTERFACE)
target_include_directories(sv_flags INTERFACE ${PROJECT_SOURCE_DIR}/include)
target_compile_definitions(sv_flags INTERFACE _GNU_SOURCE SV_VERSION="${PROJECT_VERSION}")

# Adds each flag that this compiler understands; the lists are those of the operations reference, section 12.
function(sv_compile_flags)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
    check_c_compiler_flag("-Werror ${flag}" ${known})
    if(${known})
      target_compile_options(sv_flags INTERFACE ${flag})
    endif()
  endforeach()
endfunction()

function(sv_link_flags)
  foreach(flag IN LISTS ARGN)
    string(MAKE_C_IDENTIFIER "HAVE${flag}" known)
    check_linker_flag(C ${flag} ${known})
    if(${known})
      target_link_options(sv_flags INTERFACE ${flag})
    endif()
  endforeach()
endfunction()

sv_compile_flags(-Wall -Wextra -Wformat=2 -Wformat-signedness -Wconversion -Wsign-conversion -Wshadow
  -Wundef -Wvla -Walloca -Wcast-qual -Wwrite-strings -Wstrict-prototypes -Wmissing-prototypes
  -Wpointer-arith -Wimplicit-fallthrough -Wduplicated-cond -Wduplicated-branches -Wlogical-op
  -Wswitch-enum -Wtrampolines -Wbidi-chars=any -Werror=format-security -Werror=implicit
  -Werror=incompatible-pointer-types -Werror=int-conversion -Werror=return-type
  -fstack-protector-strong -fstack-clash-protection -fcf-protection=full
  -fno-delete-null-pointer-checks -fno-strict-overflow -fno-strict-aliasing -fno-common -fexceptions
  -ffile-prefix-map=${PROJECT_SOURCE_DIR}=.)
if(SV_WERROR)
  target_compile_options(sv_flags INTERFACE -Werror)
endif()
if(CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(sv_flags INTERFACE -U_FORTIFY_SOURCE)
  sv_compile_flags(-D_FORTIFY_SOURCE=3 -ftrivial-auto-var-init=zero -Wnull-dereference)
endif()
sv_link_flags(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,nodlopen -Wl,-z,separate-code -Wl,--as-needed
  -Wl,--no-copy-dt-needed-entries -Wl,--build-id=sha1)
if(SV_SANITIZE)
  target_compile_options(sv_flags INTERFACE -fsanitize=${SV_SANITIZE} -fno-sanitize-recover=all
    -fno-omit-frame-pointer)
  target_link_options(sv_flags INTERFACE -fsanitize=${SV_SANITIZE})
  target_compile_definitions(sv_flags INTERFACE SV_WATCHED) # what watches us needs files and calls of its own
else()
  target_link_options(sv_flags INTERFACE $<$<STREQUAL:$<TARGET_PROPERTY:TYPE>,EXECUTABLE>:-pie>)
endif()
if(SV_FUZZ)
  target_compile_options(sv_flags INTERFACE -fsanitize=fuzzer-no-link) # the libraries are what is fuzzed
endif()
if(SV_COVERAGE)
  target_compile_options(sv_flags INTERFACE --coverage)
  target_compile_definitions(sv_flags INTERFACE SV_WATCHED)
  target_link_options(sv_flags INTERFACE --coverage)
endif()

# sv_library(NAME SOURCES file... LINKS target...): one static library per layer.
function(sv_library name)
  cmake_parse_arguments(arg "" "" "SOURCES;LINKS" ${ARGN})
  add_library(${name} STATIC ${arg_SOURCES})
  target_link_libraries(${name} PUBLIC sv_flags ${arg_LINKS})
endfunction()

# sv_test(NAME SOURCES file... LINKS target... [LABELS label...] [TIMEOUT seconds]): a program that is a test.
function(sv_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "SOURCES;LINKS;LABELS;ARGS" ${ARGN})
  add_executable(${name} ${arg_SOURCES})
  target_link_libraries(${name} PRIVATE ${arg_LINKS} cmocka)
  add_test(NAME ${name} COMMAND ${name} ${arg_ARGS})
  sv_test_rules(${name} "${arg_TIMEOUT}" "${arg_LABELS}")
endfunction()

# sv_script_test(NAME COMMAND word... [LABELS label...] [TIMEOUT seconds]): a script that is a test.
function(sv_script_test name)
  cmake_parse_arguments(arg "" "TIMEOUT" "COMMAND;LABELS" ${ARGN})
  add_test(NAME ${name} COMMAND ${arg_COMMAND})
  sv_test_rules(${name} "${arg_TIMEOUT}" "${arg_LABELS}")
endfunction()

# Label "full" keeps a test out of the default tier; everything else is in it.
function(sv_test_rules name timeout labels)
  if(NOT timeout)
    set(timeout 300) # generous: a loaded machine is no failure
  endif()
  if(NOT labels)
    set(labels default)
  endif()
  set_tests_properties(${name} PROPERTIES TIMEOUT ${timeout} LABELS "${labels}")
  set_property(TEST ${name} APPEND PROPERTY ENVIRONMENT
    "SV_BINARY_DIR=${PROJECT_BINARY_DIR};SV_SOURCE_DIR=${PROJECT_SOURCE_DIR};SV_SANITIZE=${SV_SANITIZE}")
endfunction()

# sv_fuzz_target(NAME SOURCES file... LINKS target... CORPUS dir): a libFuzzer program with SV_FUZZ (they are what the
# target "fuzzers" builds and tests/fuzz/smoke runs), and in every other build a replay of its corpus as an ordinary test.
function(sv_fuzz_target name)
  cmake_parse_arguments(arg "" "CORPUS" "SOURCES;LINKS" ${ARGN})
  if(SV_FUZZ)
    add_executable(${name} ${arg_SOURCES})
    target_link_options(${name} PRIVATE -fsanitize=fuzzer)
    if(NOT TARGET fuzzers)
      add_custom_target(fuzzers)
    endif()
    add_dependencies(fuzzers ${name})
    file(WRITE ${PROJECT_BINARY_DIR}/fuzzers.d/${name} "${CMAKE_CURRENT_BINARY_DIR}/${name} ${arg_CORPUS}\n")
  else()
    add_executable(${name} ${arg_SOURCES} ${PROJECT_SOURCE_DIR}/tests/fuzz/replay.c)
    add_test(NAME replay_${name} COMMAND ${name} ${arg_CORPUS})
    sv_test_rules(replay_${name} 60 "default")
  endif()
  target_link_libraries(${name} PRIVATE ${arg_LINKS})
endfunction()

# sv_embed(TARGET SYMBOL DIR pattern): turns files into a C table { name, text, length }, so that the scripts
# stay readable in the tree and the program needs no files at run time.
function(sv_embed target symbol)
  set(out ${CMAKE_CURRENT_BINARY_DIR}/${symbol}.c)
  add_custom_command(OUTPUT ${out}
    COMMAND ${CMAKE_COMMAND} -DOUT=${out} -DSYMBOL=${symbol} "-DFILES=${ARGN}"
            -P ${PROJECT_SOURCE_DIR}/cmake/embed.cmake
    DEPENDS ${ARGN} ${PROJECT_SOURCE_DIR}/cmake/embed.cmake VERBATIM)
  target_sources(${target} PRIVATE ${out})
endfunction()

# sv_install_gzip(SOURCE NAME FOLDER): installs SOURCE as FOLDER/NAME.gz. Compressed without a time or a name inside, so that two builds give the same bytes.
function(sv_install_gzip source name folder)
  set(out ${PROJECT_BINARY_DIR}/install/${folder}/${name}.gz)
  get_filename_component(into ${out} DIRECTORY)
  file(MAKE_DIRECTORY ${into})
  add_custom_command(OUTPUT ${out} COMMAND gzip -9nc ${source} > ${out} DEPENDS ${source} VERBATIM)
  string(MAKE_C_IDENTIFIER "sv_gzip_${name}" target)
  add_custom_target(${target} ALL DEPENDS ${out})
  install(FILES ${out} DESTINATION ${folder})
endfunction()

function(sv_find_ldns)
  find_path(LDNS_INCLUDE_DIR ldns/ldns.h REQUIRED)
  find_library(LDNS_LIBRARY ldns REQUIRED)
  add_library(sv_ldns INTERFACE)
  target_include_directories(sv_ldns SYSTEM INTERFACE ${LDNS_INCLUDE_DIR})
  target_link_libraries(sv_ldns INTERFACE ${LDNS_LIBRARY} PkgConfig::CRYPTO)
endfunction()
