/* SPDX-License-Identifier: MIT */
/* The timeline (emu/core/timeline.h): rows, spans and their endings. tests/timeline/run.sh looks at whole runs. */
#include "emu/core/timeline.h"

#include <unistd.h>
#include "emu/core/trace.h"
#include "tests/unit/mem_helper.h"

/* Events by the names that the timeline knows, so that nothing else has to run. */
TRACE_EVENT(start_event, "stream.start", "who:s size:u pieces:u direction:s");
TRACE_EVENT(submit_event, "stream.submit", "who:s offset:u size:u pieces:u");
TRACE_EVENT(cancel_event, "stream.cancel", "who:s moved:u");
TRACE_EVENT(done_event, "stream.done", "who:s status:u moved:u");
TRACE_EVENT(map_event, "dma.map", "space:s addr:x asked:u got:u direction:s bounce:u");
TRACE_EVENT(unmap_event, "dma.unmap", "space:s addr:x mapped:u accessed:u direction:s result:u");
TRACE_EVENT(other_event, "timelinetest.other", "n:u");

static struct {
    struct clock clock;
    char path[64];
    struct timeline *timeline;
    char text[8192];
} rig;

static void rig_open(void)
{
    struct error error = {{0}};
    clock_init(&rig.clock, 0);
    snprintf(rig.path, sizeof rig.path, "/tmp/timeline-test-%d", (int)getpid());
    rig.timeline = timeline_open(rig.path, &error);
    ck_assert_msg(rig.timeline != NULL, "%s", error.text);
}

/* Closes it, and counts how often `text` stands in the file. */
static void rig_close(void)
{
    ck_assert(timeline_close(rig.timeline));
    FILE *file = fopen(rig.path, "r");
    ck_assert_ptr_nonnull(file);
    rig.text[fread(rig.text, 1, sizeof rig.text - 1, file)] = 0;
    fclose(file);
    unlink(rig.path);
}

static unsigned times(const char *text)
{
    unsigned count = 0;
    for (const char *at = rig.text; (at = strstr(at, text)); at++) count++;
    return count;
}

static void map(uint64_t addr, uint64_t got, bool bounce)
{
    trace_emit(&map_event, &rig.clock, "nic", addr, (uint64_t)4096, got, "to-device", (uint64_t)bounce);
}

static void unmap(uint64_t addr, uint64_t mapped)
{
    trace_emit(&unmap_event, &rig.clock, "nic", addr, mapped, mapped, "to-device", (uint64_t)0);
}

static void start(const char *who)
{
    trace_emit(&start_event, &rig.clock, who, (uint64_t)4096, (uint64_t)1, "to-device");
}

START_TEST(it_listens_to_what_it_draws_and_stops)
{
    rig_open();
    ck_assert(trace_on(&start_event) && trace_on(&map_event) && !trace_on(&other_event));
    rig_close();
    ck_assert(!trace_on(&start_event) && !trace_on(&map_event));
    ck_assert_str_eq(rig.text, "{\"displayTimeUnit\":\"ns\",\"traceEvents\":[\n"
                               "{\"ph\":\"M\",\"pid\":1,\"tid\":0,\"ts\":0.000,\"name\":\"process_name\","
                               "\"args\":{\"name\":\"devices\"}}\n]}\n");
}
END_TEST

START_TEST(times_are_microseconds)
{
    rig_open();
    clock_jump(&rig.clock, 1234567);
    start("nic.tx");
    clock_jump(&rig.clock, 1234600);
    trace_emit(&done_event, &rig.clock, "nic.tx", (uint64_t)0, (uint64_t)4096);
    rig_close();
    ck_assert_uint_eq(
        times("{\"ph\":\"B\",\"pid\":1,\"tid\":1,\"ts\":1234.567,\"name\":\"request to-device\","
              "\"cat\":\"stream.start\",\"args\":{\"who\":\"nic.tx\",\"size\":4096,\"pieces\":1,"
              "\"direction\":\"to-device\"}}"),
        1);
    ck_assert_uint_eq(times("{\"ph\":\"E\",\"pid\":1,\"tid\":1,\"ts\":1234.600,"), 1);
    ck_assert_uint_eq(times("\"thread_name\",\"args\":{\"name\":\"nic.tx\"}"), 1);
}
END_TEST

START_TEST(the_end_of_a_request_ends_what_is_within_it)
{
    rig_open();
    start("nic.tx");
    trace_emit(&submit_event, &rig.clock, "nic.tx", (uint64_t)0, (uint64_t)4096, (uint64_t)1);
    trace_emit(&cancel_event, &rig.clock, "nic.tx", (uint64_t)0);
    trace_emit(&cancel_event, &rig.clock, "nic.tx", (uint64_t)0); /* nothing is open any more */
    rig_close();
    ck_assert_uint_eq(times("\"ph\":\"B\""), 2);
    ck_assert_uint_eq(times("\"ph\":\"E\""), 2);
    ck_assert_uint_eq(times("\"name\":\"round\""), 2);
}
END_TEST

START_TEST(what_overlaps_gets_rows_and_frees_them)
{
    rig_open();
    map(0x1000, 4096, false);
    map(0x3000, 512, true);
    unmap(0x1000, 4096);
    map(0x5000, 4096, false); /* the first row is free again */
    unmap(0x5000, 4096);
    unmap(0x3000, 512);
    rig_close();
    ck_assert_uint_eq(times("\"thread_name\""), 2);
    ck_assert_uint_eq(times("\"name\":\"nic 2\""), 1);
    ck_assert_uint_eq(times("\"name\":\"map to-device\""), 4);
    ck_assert_uint_eq(times("\"name\":\"bounce to-device\""), 2);
    ck_assert_uint_eq(
        times("\"pid\":2,\"tid\":0,\"ts\":0.000,\"name\":\"nic, bytes mapped\",\"args\":{\"direct\":4096,"
              "\"bounced\":512}"),
        2);
    ck_assert_uint_eq(times("\"args\":{\"direct\":0,\"bounced\":0}"), 1);
}
END_TEST

START_TEST(a_map_of_nothing_is_a_mark)
{
    rig_open();
    map(0x1000, 0, false);
    unmap(0x9000, 512); /* mapped before the timeline began */
    rig_close();
    ck_assert_uint_eq(times("\"ph\":\"i\""), 1);
    ck_assert_uint_eq(times("\"name\":\"no map to-device\""), 1);
    ck_assert_uint_eq(times("\"ph\":\"B\"") + times("\"ph\":\"E\"") + times("\"ph\":\"C\""), 0);
}
END_TEST

START_TEST(what_is_open_at_the_end_is_ended)
{
    rig_open();
    start("nic.tx");
    map(0x1000, 4096, false);
    map(0x2000, 4096, false);
    rig_close();
    ck_assert_uint_eq(times("\"ph\":\"B\""), 3);
    ck_assert_uint_eq(times("\"ph\":\"E\""), 3);
    ck_assert_uint_eq(strlen(rig.text) - (size_t)(strstr(rig.text, "\n]}\n") - rig.text), 4);
}
END_TEST

START_TEST(a_request_begun_again_ends_the_one_before)
{
    rig_open();
    for (int i = 0; i < 20; i++) start("nic.tx");
    rig_close();
    ck_assert_uint_eq(times("\"ph\":\"B\""), 20);
    ck_assert_uint_eq(times("\"ph\":\"E\""), 20);
}
END_TEST

START_TEST(a_file_that_cannot_be_written_is_an_error)
{
    struct error error = {{0}};
    ck_assert_ptr_null(timeline_open("/no/such/directory/t.json", &error));
    ck_assert_ptr_nonnull(strstr(error.text, "/no/such/directory/t.json: cannot be written: "));
    ck_assert(timeline_close(NULL));
    rig.timeline = timeline_open("/dev/full", &error);
    ck_assert_ptr_nonnull(rig.timeline);
    ck_assert(!timeline_close(rig.timeline));
}
END_TEST

int main(void)
{
    const TTest *const tests[] = {
        it_listens_to_what_it_draws_and_stops,
        times_are_microseconds,
        the_end_of_a_request_ends_what_is_within_it,
        what_overlaps_gets_rows_and_frees_them,
        a_map_of_nothing_is_a_mark,
        what_is_open_at_the_end_is_ended,
        a_request_begun_again_ends_the_one_before,
        a_file_that_cannot_be_written_is_an_error,
    };
    return run_suite("timeline", tests, ARRAY_COUNT(tests));
}
