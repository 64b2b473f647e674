/* SPDX-License-Identifier: MIT */
/*
 * Locks on image files: fcntl(2) "Open file description locks"; who holds one is found by proc(5),
 * /proc/PID/fdinfo.
 */
#define _GNU_SOURCE 1
#include "block/file_lock.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emu/core/log.h"

static struct flock whole_file(bool writer)
{
    return (struct flock){.l_type = writer ? F_WRLCK : F_RDLCK, .l_whence = SEEK_SET};
}

/* Does this descriptor of a process hold a lock? The kernel lists its locks in fdinfo. */
static bool descriptor_has_lock(const char *pid, const char *descriptor)
{
    char path[600], line[256];
    bool found = false;

    snprintf(path, sizeof(path), "/proc/%.40s/fdinfo/%.255s", pid, descriptor);
    FILE *info = fopen(path, "re");
    if (!info) return false;
    while (!found && fgets(line, sizeof(line), info)) found = !strncmp(line, "lock:", 5);
    fclose(info);
    return found;
}

enum claim { CLAIM_NONE, CLAIM_OPEN, CLAIM_LOCKED };

/* What a process has to do with the file. */
static enum claim process_claim(const char *pid, const struct stat *file)
{
    enum claim claim = CLAIM_NONE;
    char path[64];

    snprintf(path, sizeof(path), "/proc/%.40s/fd", pid);
    DIR *descriptors = opendir(path); /* not ours to see, or already gone: no claim */
    if (!descriptors) return CLAIM_NONE;
    for (struct dirent *entry; claim != CLAIM_LOCKED && (entry = readdir(descriptors));) {
        struct stat other;
        if (!isdigit((unsigned char)entry->d_name[0])) continue;
        if (fstatat(dirfd(descriptors), entry->d_name, &other, 0)) continue;
        if (other.st_dev != file->st_dev || other.st_ino != file->st_ino) continue;
        claim = descriptor_has_lock(pid, entry->d_name) ? CLAIM_LOCKED : CLAIM_OPEN;
    }
    closedir(descriptors);
    return claim;
}

/* The process that holds a lock on the file; else another one that has it open; else 0. F_OFD_GETLK has no
 * answer to this: such a lock belongs to an open file, not to a process. */
static pid_t find_holder(int fd)
{
    pid_t best = 0;
    struct stat file;

    DIR *processes = fstat(fd, &file) ? NULL : opendir("/proc");
    if (!processes) return 0;
    for (struct dirent *entry; (entry = readdir(processes));) {
        pid_t pid = (pid_t)atol(entry->d_name);
        if (pid <= 0) continue;
        enum claim claim = process_claim(entry->d_name, &file);
        if (claim == CLAIM_OPEN && !best && pid != getpid()) best = pid;
        if (claim == CLAIM_LOCKED) {
            best = pid;
            break;
        }
    }
    closedir(processes);
    return best;
}

/* "process 1234 (name)" */
static void name_process(pid_t pid, char *text, size_t size)
{
    char path[64], command[64] = "";

    snprintf(path, sizeof(path), "/proc/%ld/comm", (long)pid);
    FILE *comm = fopen(path, "re");
    if (comm) {
        if (!fgets(command, sizeof(command), comm)) command[0] = 0;
        fclose(comm);
    }
    command[strcspn(command, "\n")] = 0;
    for (char *c = command; *c; c++) {
        if (iscntrl((unsigned char)*c)) *c = '?';
    }
    snprintf(text, size, command[0] ? "process %ld (%s)" : "process %ld", (long)pid, command);
}

/* A writer in the way keeps readers out too, so -snapshot would not help against one. */
static bool lock_refused(int fd, const char *path, bool writer, const struct flock *holder,
                         struct error *error)
{
    pid_t pid = holder->l_pid > 0 ? holder->l_pid : find_holder(fd);
    bool it_writes = holder->l_type == F_WRLCK;
    char who[128] = "another process";

    if (pid == getpid()) {
        return error_set(error,
                         "%s: already in use as another disk of this machine; give each disk its own image%s",
                         path, writer && !it_writes ? " or use -snapshot" : "");
    }
    if (pid) name_process(pid, who, sizeof(who));
    return error_set(error, "%s: in use for %s by %s; close it or use %s", path,
                     it_writes ? "writing" : "reading", who,
                     writer && !it_writes ? "-snapshot" : "a copy of the image");
}

bool file_lock(int fd, const char *path, bool writer, struct error *error)
{
    /* The holder may go between the two calls; then it is our turn to try again. */
    for (int tries = 0; tries < 10; tries++) {
        struct flock lock = whole_file(writer);
        if (!fcntl(fd, F_OFD_SETLK, &lock)) return true;
        if (errno != EAGAIN && errno != EACCES) {
            message("%s: cannot be locked (%s): see to it yourself that nothing else writes it", path,
                    strerror(errno));
            return true;
        }
        lock = whole_file(writer);
        if (!fcntl(fd, F_OFD_GETLK, &lock) && lock.l_type != F_UNLCK) {
            return lock_refused(fd, path, writer, &lock, error);
        }
    }
    return error_set(error, "%s: in use by another process; close it or use a copy of the image", path);
}
