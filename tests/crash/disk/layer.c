/*
 * A disk to experiment with, between the gateway and the C library (LD_PRELOAD).
 *
 * It changes nothing that the gateway sees while all is well. It writes down, in the order in which it happens, what
 * the gateway does to files below one directory: writes, sizes, names, and which syncs have come back. From that record
 * the test works out what a disk would hold had the power failed. It can also be told to fail, or to lie about syncs.
 *
 *   DISK_ROOT   the directory; an absolute path without links in it
 *   DISK_TRACE  the file that takes the record; made by the test
 *   DISK_ORDERS a file of four bytes, made and changed by the test at any time, read before each call:
 *                 0: writes   '-' work, 'I' fail with EIO, 'F' put down half of it and then fail with ENOSPC, 'R' EROFS
 *                 1: syncs    '-' work, 'I' fail with EIO, 'A' sync_file_range fails too
 *                 2: names    '-' work, 'F' ENOSPC, 'R' EROFS: making, renaming, removing, opening for writing
 *                 3: honesty  '-' honest, 'L' fdatasync says that it worked and does nothing
 *
 * A record is a head of 24 bytes in the machine's own byte order, and a text or the bytes written:
 *   u32 kind, u32 handle, u64 number, u64 length of what follows
 * A write counts before it is recorded, a sync is recorded when it begins and when it has come back: so whatever the
 * record claims to be synced is, whenever the process is killed. sync_file_range syncs nothing, as its manual says.
 * What bypasses the C library, or is mapped into memory, would not be seen; the gateway does neither.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

enum kind { OPEN = 1, WRITE, RESIZE, GROW, SYNC_BEGUN, SYNCED, RENAME, REMOVE, MAKE_DIRECTORY };
enum order { WRITES, SYNCS, NAMES, HONESTY, ORDERS };

/* What `number` of an OPEN says. */
#define CREATES 1
#define TRUNCATES 2

struct head {
    uint32_t kind;
    uint32_t handle;
    uint64_t number;
    uint64_t length;
};

/* An open file below the root. */
struct file {
    uint32_t handle; /* 0: none of ours */
    int flags;
    char *path;
};

#define MOST_FILES 65536
static struct file files[MOST_FILES];
static uint32_t handles;
static uint64_t syncs;
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static const char *root;
static size_t root_length;
static int trace = -1;
static const volatile char *orders = "----";

static int (*real_open)(const char *, int, ...);
static int (*real_openat)(int, const char *, int, ...);
static int (*real_close)(int);
static int (*real_fcntl)(int, int, ...);
static ssize_t (*real_write)(int, const void *, size_t);
static ssize_t (*real_writev)(int, const struct iovec *, int);
static ssize_t (*real_pwrite)(int, const void *, size_t, off_t);
static int (*real_ftruncate)(int, off_t);
static int (*real_fallocate)(int, int, off_t, off_t);
static int (*real_fsync)(int);
static int (*real_fdatasync)(int);
static int (*real_sync_file_range)(int, off_t, off_t, unsigned);
static int (*real_rename)(const char *, const char *);
static int (*real_unlinkat)(int, const char *, int);
static int (*real_mkdir)(const char *, mode_t);
static int (*real_closedir)(DIR *);
static ssize_t (*real_copy_file_range)(int, off_t *, int, off_t *, size_t, unsigned);
static ssize_t (*real_sendfile)(int, int, off_t *, size_t);
static ssize_t (*real_splice)(int, off_t *, int, off_t *, size_t, unsigned);

static void die(const char *what) {
    dprintf(2, "the disk layer: %s: %s\n", what, strerror(errno));
    abort();
}

static void *find(const char *name) {
    void *found = dlsym(RTLD_NEXT, name);
    if (!found) die(name);
    return found;
}

__attribute__((constructor)) static void begin(void) {
    real_open = find("open64");
    real_openat = find("openat64");
    real_close = find("close");
    real_fcntl = find("fcntl64");
    real_write = find("write");
    real_writev = find("writev");
    real_pwrite = find("pwrite64");
    real_ftruncate = find("ftruncate64");
    real_fallocate = find("fallocate64");
    real_fsync = find("fsync");
    real_fdatasync = find("fdatasync");
    real_sync_file_range = find("sync_file_range");
    real_rename = find("rename");
    real_unlinkat = find("unlinkat");
    real_mkdir = find("mkdir");
    real_closedir = find("closedir");
    real_copy_file_range = find("copy_file_range");
    real_sendfile = find("sendfile64");
    real_splice = find("splice");
    const char *trace_path = getenv("DISK_TRACE"), *orders_path = getenv("DISK_ORDERS");
    root = getenv("DISK_ROOT");
    if (!root || !trace_path || !orders_path) {
        errno = EINVAL;
        die("DISK_ROOT, DISK_TRACE and DISK_ORDERS must be set");
    }
    root_length = strlen(root);
    trace = real_open(trace_path, O_WRONLY | O_APPEND | O_CLOEXEC);
    if (trace < 0) die(trace_path);
    int file = real_open(orders_path, O_RDONLY | O_CLOEXEC);
    if (file < 0) die(orders_path);
    void *mapped = mmap(NULL, ORDERS, PROT_READ, MAP_SHARED, file, 0);
    if (mapped == MAP_FAILED) die(orders_path);
    real_close(file);
    orders = mapped;
}

/* Whether a call is to fail; it sets errno then. */
static int fails(enum order what) {
    switch (orders[what]) {
    case 'A':
    case 'I': errno = EIO; return 1;
    case 'F': errno = ENOSPC; return 1;
    case 'R': errno = EROFS; return 1;
    default: return 0;
    }
}

/* ---- the record; `lock` is held ---- */

static void record(enum kind kind, uint32_t handle, uint64_t number, const void *bytes, size_t length) {
    struct head head = {kind, handle, number, length};
    struct iovec parts[2] = {{&head, sizeof head}, {(void *)bytes, length}};
    int at = 0;
    while (at < 2) {
        ssize_t written = real_writev(trace, parts + at, 2 - at);
        if (written < 0) {
            if (errno == EINTR) continue;
            die("the record cannot be written");
        }
        while (at < 2 && (size_t)written >= parts[at].iov_len) written -= parts[at++].iov_len;
        if (at < 2) {
            parts[at].iov_base = (char *)parts[at].iov_base + written;
            parts[at].iov_len -= written;
        }
    }
}

/* ---- which files and names are ours ---- */

static struct file *ours(int fd) {
    if (fd < 0 || fd >= MOST_FILES || !__atomic_load_n(&files[fd].handle, __ATOMIC_ACQUIRE)) return NULL;
    return &files[fd];
}

/* The absolute path of a name below the root, in `whole`; or NULL. */
static const char *ours_named(int directory, const char *name, char whole[PATH_MAX]) {
    struct file *base;
    if (name[0] == '/') {
        snprintf(whole, PATH_MAX, "%s", name);
    } else if (directory != AT_FDCWD && (base = ours(directory))) {
        snprintf(whole, PATH_MAX, "%s/%s", base->path, name);
    } else {
        return NULL;
    }
    size_t length = strlen(whole);
    while (length > 1 && whole[length - 1] == '/') whole[--length] = 0;
    if (strncmp(whole, root, root_length) || (whole[root_length] && whole[root_length] != '/')) return NULL;
    return whole;
}

static void remember(int fd, const char *path, int flags) {
    if (fd >= MOST_FILES) die("too many open files");
    files[fd].path = strdup(path);
    files[fd].flags = flags;
    __atomic_store_n(&files[fd].handle, ++handles, __ATOMIC_RELEASE);
}

static void forget(int fd) {
    if (!ours(fd)) return;
    pthread_mutex_lock(&lock);
    __atomic_store_n(&files[fd].handle, 0, __ATOMIC_RELEASE);
    free(files[fd].path);
    files[fd].path = NULL;
    pthread_mutex_unlock(&lock);
}

/* ---- opening and closing ---- */

static int opens(int directory, const char *name, int flags, mode_t mode) {
    char whole[PATH_MAX];
    const char *path = ours_named(directory, name, whole);
    if (!path) return real_openat(directory, name, flags, mode);
    if (((flags & O_ACCMODE) != O_RDONLY || flags & (O_CREAT | O_TRUNC)) && fails(NAMES)) return -1;
    pthread_mutex_lock(&lock);
    int fd = real_openat(directory, name, flags, mode), error = errno;
    if (fd >= 0) {
        remember(fd, path, flags);
        uint64_t how = (flags & O_CREAT ? CREATES : 0) | (flags & O_TRUNC ? TRUNCATES : 0);
        record(OPEN, files[fd].handle, how, path, strlen(path));
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return fd;
}

#define MODE_OF(flags)                                            \
    mode_t mode = 0;                                              \
    if ((flags) & O_CREAT || ((flags) & O_TMPFILE) == O_TMPFILE) { \
        va_list rest;                                             \
        va_start(rest, flags);                                    \
        mode = va_arg(rest, mode_t);                              \
        va_end(rest);                                             \
    }

int open(const char *name, int flags, ...) { MODE_OF(flags) return opens(AT_FDCWD, name, flags, mode); }
int open64(const char *name, int flags, ...) { MODE_OF(flags) return opens(AT_FDCWD, name, flags, mode); }
int openat(int at, const char *name, int flags, ...) { MODE_OF(flags) return opens(at, name, flags, mode); }
int openat64(int at, const char *name, int flags, ...) { MODE_OF(flags) return opens(at, name, flags, mode); }

int close(int fd) {
    forget(fd);
    return real_close(fd);
}

/* The C library closes the descriptor of a directory by a call of its own. */
int closedir(DIR *directory) {
    forget(dirfd(directory));
    return real_closedir(directory);
}

/* A second descriptor of a file is a second file of ours. */
static int duplicates(int fd, int command, long argument) {
    int copy = real_fcntl(fd, command, argument);
    struct file *original = ours(fd);
    if (copy < 0 || !original || (command != F_DUPFD && command != F_DUPFD_CLOEXEC)) return copy;
    pthread_mutex_lock(&lock);
    remember(copy, original->path, original->flags);
    record(OPEN, files[copy].handle, 0, original->path, strlen(original->path));
    pthread_mutex_unlock(&lock);
    return copy;
}

int fcntl(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return duplicates(fd, command, argument);
}

int fcntl64(int fd, int command, ...) {
    va_list rest;
    va_start(rest, command);
    long argument = va_arg(rest, long);
    va_end(rest);
    return duplicates(fd, command, argument);
}

/* ---- writing ---- */

/* Where the next write without a place of its own goes. */
static off_t position(int fd, const struct file *file) {
    struct stat about;
    if (file->flags & O_APPEND) return fstat(fd, &about) ? 0 : about.st_size;
    return lseek(fd, 0, SEEK_CUR);
}

/* `place` below 0: at the file's own position. */
static ssize_t writes(int fd, const void *bytes, size_t length, off_t place) {
    struct file *file = ours(fd);
    pthread_mutex_lock(&lock);
    off_t at = place < 0 ? position(fd, file) : place;
    ssize_t written = -1;
    /* A full disk takes a part of a large write first. */
    if (orders[WRITES] == 'F' && length > 512) length /= 2;
    else if (fails(WRITES)) goto done;
    written = place < 0 ? real_write(fd, bytes, length) : real_pwrite(fd, bytes, length, place);
    if (written > 0) record(WRITE, file->handle, at, bytes, written);
    if (written > 0 && file->flags & O_DSYNC && orders[HONESTY] != 'L') {
        record(SYNC_BEGUN, file->handle, ++syncs, NULL, 0);
        record(SYNCED, file->handle, syncs, NULL, 0);
    }
done:;
    int error = errno;
    pthread_mutex_unlock(&lock);
    errno = error;
    return written;
}

ssize_t write(int fd, const void *bytes, size_t length) {
    return ours(fd) ? writes(fd, bytes, length, -1) : real_write(fd, bytes, length);
}

ssize_t writev(int fd, const struct iovec *parts, int count) {
    if (!ours(fd)) return real_writev(fd, parts, count);
    for (int at = 0; at < count; at++)
        if (parts[at].iov_len) return writes(fd, parts[at].iov_base, parts[at].iov_len, -1);
    return 0;
}

ssize_t pwrite64(int fd, const void *bytes, size_t length, off_t place) {
    return ours(fd) ? writes(fd, bytes, length, place) : real_pwrite(fd, bytes, length, place);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t place) { return pwrite64(fd, bytes, length, place); }

static int resizes(int fd, off_t size) {
    if (!ours(fd)) return real_ftruncate(fd, size);
    if (fails(WRITES)) return -1;
    pthread_mutex_lock(&lock);
    int outcome = real_ftruncate(fd, size), error = errno;
    if (!outcome) record(RESIZE, files[fd].handle, size, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}

int ftruncate(int fd, off_t size) { return resizes(fd, size); }
int ftruncate64(int fd, off_t size) { return resizes(fd, size); }

int fallocate64(int fd, int mode, off_t from, off_t length) {
    if (!ours(fd)) return real_fallocate(fd, mode, from, length);
    if (mode) { /* holes and shifts are beyond this layer */
        errno = EOPNOTSUPP;
        return -1;
    }
    if (fails(WRITES)) return -1;
    pthread_mutex_lock(&lock);
    int outcome = real_fallocate(fd, mode, from, length), error = errno;
    if (!outcome) record(GROW, files[fd].handle, from + length, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}

int fallocate(int fd, int mode, off_t from, off_t length) { return fallocate64(fd, mode, from, length); }

int posix_fallocate64(int fd, off_t from, off_t length) {
    return fallocate64(fd, 0, from, length) ? errno : 0;
}

int posix_fallocate(int fd, off_t from, off_t length) { return posix_fallocate64(fd, from, length); }

/* Copies inside the kernel would pass by unseen; without them the caller copies by read and write. */
ssize_t copy_file_range(int from, off_t *at, int to, off_t *place, size_t length, unsigned flags) {
    if (!ours(to)) return real_copy_file_range(from, at, to, place, length, flags);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile64(int to, int from, off_t *at, size_t length) {
    if (!ours(to)) return real_sendfile(to, from, at, length);
    errno = ENOSYS;
    return -1;
}

ssize_t sendfile(int to, int from, off_t *at, size_t length) { return sendfile64(to, from, at, length); }

ssize_t splice(int from, off_t *at, int to, off_t *place, size_t length, unsigned flags) {
    if (!ours(to)) return real_splice(from, at, to, place, length, flags);
    errno = ENOSYS;
    return -1;
}

/* ---- syncing ---- */

static int synchronises(int fd, int (*real)(int)) {
    if (fails(SYNCS)) return -1;
    pthread_mutex_lock(&lock);
    uint32_t handle = files[fd].handle;
    uint64_t serial = ++syncs;
    record(SYNC_BEGUN, handle, serial, NULL, 0);
    pthread_mutex_unlock(&lock);
    int outcome = real(fd), error = errno;
    pthread_mutex_lock(&lock);
    if (!outcome) record(SYNCED, handle, serial, NULL, 0);
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}

int fsync(int fd) { return ours(fd) ? synchronises(fd, real_fsync) : real_fsync(fd); }

int fdatasync(int fd) {
    if (!ours(fd)) return real_fdatasync(fd);
    return orders[HONESTY] == 'L' ? 0 : synchronises(fd, real_fdatasync);
}

int sync_file_range(int fd, off_t from, off_t length, unsigned flags) {
    if (!ours(fd) || orders[SYNCS] != 'A') return real_sync_file_range(fd, from, length, flags);
    errno = EIO;
    return -1;
}

/* ---- names ---- */

int rename(const char *from, const char *to) {
    char from_whole[PATH_MAX], to_whole[PATH_MAX], both[2 * PATH_MAX];
    if (!ours_named(AT_FDCWD, from, from_whole) || !ours_named(AT_FDCWD, to, to_whole)) return real_rename(from, to);
    if (fails(NAMES)) return -1;
    pthread_mutex_lock(&lock);
    int outcome = real_rename(from, to), error = errno;
    if (!outcome) {
        int length = snprintf(both, sizeof both, "%s%c%s", from_whole, 0, to_whole);
        record(RENAME, 0, 0, both, length);
    }
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}

static int removes(int at, const char *name, int flags) {
    char whole[PATH_MAX];
    const char *path = ours_named(at, name, whole);
    if (!path) return real_unlinkat(at, name, flags);
    if (fails(NAMES)) return -1;
    pthread_mutex_lock(&lock);
    int outcome = real_unlinkat(at, name, flags), error = errno;
    if (!outcome) record(REMOVE, 0, 0, path, strlen(path));
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}

int unlink(const char *name) { return removes(AT_FDCWD, name, 0); }
int unlinkat(int at, const char *name, int flags) { return removes(at, name, flags); }
int rmdir(const char *name) { return removes(AT_FDCWD, name, AT_REMOVEDIR); }

int mkdir(const char *name, mode_t mode) {
    char whole[PATH_MAX];
    const char *path = ours_named(AT_FDCWD, name, whole);
    if (!path) return real_mkdir(name, mode);
    if (fails(NAMES)) return -1;
    pthread_mutex_lock(&lock);
    int outcome = real_mkdir(name, mode), error = errno;
    if (!outcome) record(MAKE_DIRECTORY, 0, 0, path, strlen(path));
    pthread_mutex_unlock(&lock);
    errno = error;
    return outcome;
}
