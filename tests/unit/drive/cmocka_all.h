/* What cmocka wants included before itself. */
#ifndef SV_TESTS_DRIVE_CMOCKA_ALL_H
#define SV_TESTS_DRIVE_CMOCKA_ALL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#endif
