// SPDX-License-Identifier: Apache-2.0
// Preloaded into a node by Tests/Crash/crash.py: lets the n-th writing system call on the database fail, or records
// every one. HUTONG_FAULT=n:eio|enospc|short|persisted, HUTONG_TRACE=file, HUTONG_FAULT_DIR=folder.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static long calls, target = -1;
static char kind;
static int trace = -1, ready;
static const char *folder;

static void *real(const char *name) { return dlsym(RTLD_NEXT, name); }

static void prepare(void) {
    if (ready) return;
    ready = 1;
    folder = getenv("HUTONG_FAULT_DIR");
    const char *fault = getenv("HUTONG_FAULT"), *file = getenv("HUTONG_TRACE");
    if (fault) {
        target = atol(fault);
        kind = strchr(fault, ':')[1];  // e(io), n: enospc is written as n, s(hort), p(ersisted)
    }
    if (file) trace = open(file, O_WRONLY | O_CREAT | O_APPEND, 0600);
}

// 'd' for a database file, 'a' for the acknowledgements, 0 for anything else; the name goes to `name`.
static char of(int fd, char *name, size_t size) {
    char link[64], path[4096];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t count = readlink(link, path, sizeof path - 1);
    if (count < 0 || !folder) return 0;
    path[count] = 0;
    size_t prefix = strlen(folder);
    if (strncmp(path, folder, prefix) || path[prefix] != '/') return 0;
    snprintf(name, size, "%s", path + prefix + 1);
    if (strstr(name, "-shm")) return 0;  // Rebuilt from the log at every start.
    return strncmp(name, "node.sqlite", 11) ? (strcmp(name, "acks") ? 0 : 'a') : 'd';
}

static void record(char op, const char *name, int64_t offset, const void *bytes, int64_t count) {
    if (trace < 0) return;
    ssize_t (*write_)(int, const void *, size_t) = real("write");
    char head[96];
    int size = snprintf(head, sizeof head, "%c %s %lld %lld\n", op, name, (long long)offset, (long long)count);
    write_(trace, head, size);
    if (bytes) write_(trace, bytes, count);
}

// Whether this call is the one that fails.
static int chosen(char what) {
    if (what != 'd') return 0;
    return ++calls == target;
}

static void mark(void) {
    int fd = open(getenv("HUTONG_FAULT_HIT"), O_WRONLY | O_CREAT, 0600);
    if (fd >= 0) close(fd);
}

static ssize_t writing(int fd, const void *bytes, size_t count, off64_t offset, int positioned) {
    ssize_t (*pwrite_)(int, const void *, size_t, off64_t) = real("pwrite64");
    ssize_t (*write_)(int, const void *, size_t) = real("write");
    char name[256];
    pthread_mutex_lock(&lock);
    prepare();
    char what = fd == trace ? 0 : of(fd, name, sizeof name);
    int hit = chosen(what);
    size_t part = count;
    if (hit) {
        mark();
        part = kind == 'p' ? count : kind == 's' ? count / 2 : 0;
    }
    ssize_t done = 0;
    if (part > 0) done = positioned ? pwrite_(fd, bytes, part, offset) : write_(fd, bytes, part);
    if (what && done > 0) record(what == 'a' ? 'A' : 'W', name, offset, bytes, done);
    if (hit && kind != 's') {
        done = -1;
        errno = kind == 'n' ? ENOSPC : EIO;
    }
    pthread_mutex_unlock(&lock);
    return done;
}

ssize_t pwrite64(int fd, const void *bytes, size_t count, off64_t offset) {
    return writing(fd, bytes, count, offset, 1);
}
ssize_t pwrite(int fd, const void *bytes, size_t count, off_t offset) { return writing(fd, bytes, count, offset, 1); }
ssize_t write(int fd, const void *bytes, size_t count) { return writing(fd, bytes, count, -1, 0); }

static int syncing(int fd, const char *call) {
    int (*sync_)(int) = real(call);
    char name[256];
    pthread_mutex_lock(&lock);
    prepare();
    char what = of(fd, name, sizeof name);
    int hit = chosen(what), result = 0;
    if (hit) mark();
    if (!hit || kind == 'p') result = sync_(fd);
    if (what == 'd' && !hit) record('S', name, 0, NULL, 0);
    if (hit) {
        result = -1;
        errno = kind == 'n' ? ENOSPC : EIO;
    }
    pthread_mutex_unlock(&lock);
    return result;
}

int fdatasync(int fd) { return syncing(fd, "fdatasync"); }
int fsync(int fd) { return syncing(fd, "fsync"); }

int ftruncate64(int fd, off64_t size) {
    int (*truncate_)(int, off64_t) = real("ftruncate64");
    char name[256];
    pthread_mutex_lock(&lock);
    prepare();
    char what = of(fd, name, sizeof name);
    int hit = chosen(what), result = 0;
    if (hit) mark();
    if (!hit || kind == 'p') result = truncate_(fd, size);
    if (what == 'd' && !hit) record('T', name, size, NULL, 0);
    if (hit) {
        result = -1;
        errno = kind == 'n' ? ENOSPC : EIO;
    }
    pthread_mutex_unlock(&lock);
    return result;
}
int ftruncate(int fd, off_t size) { return ftruncate64(fd, size); }
