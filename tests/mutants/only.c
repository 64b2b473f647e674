/* SPDX-License-Identifier: MIT */
/* Linked into the test programs of `make test-mutants`: of all tests, only the one that ONLY_TEST names. */
#include <check.h>
#include <stdlib.h>
#include <string.h>

void __real__tcase_add_test(TCase *tcase, const TTest *test, int signal, int status, int start, int end);
void __wrap__tcase_add_test(TCase *tcase, const TTest *test, int signal, int status, int start, int end);

void __wrap__tcase_add_test(TCase *tcase, const TTest *test, int signal, int status, int start, int end)
{
    const char *only = getenv("ONLY_TEST");
    if (!only || !strcmp(only, test->name))
        __real__tcase_add_test(tcase, test, signal, status, start, end);
}
