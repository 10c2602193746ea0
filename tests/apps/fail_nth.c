// Preloaded into a program: from its MANO_FAIL_AT-th write to disk on, everything that writes fails as on a full disk; with
// MANO_FAIL_ONCE that one call alone. Counts calls on regular files under MANO_FAIL_UNDER.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/types.h>
#include <sys/uio.h>
#include <unistd.h>

static long calls = 0;

static int fails_path(const char* path) {
  const char* at = getenv("MANO_FAIL_AT");
  const char* under = getenv("MANO_FAIL_UNDER");
  if (at == NULL || under == NULL || strncmp(path, under, strlen(under)) != 0) return 0;
  const long call = ++calls;
  const long first = atol(at);
  const int fails = getenv("MANO_FAIL_ONCE") != NULL ? call == first : call >= first;
  if (fails) errno = ENOSPC;
  return fails;
}

static int fails(int descriptor) {
  char link[64];
  char path[PATH_MAX];
  snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
  const ssize_t size = readlink(link, path, sizeof path - 1);
  if (size <= 0) return 0;
  path[size] = '\0';
  return fails_path(path);
}

#define NEXT(result, name, ...) static result (*next)(__VA_ARGS__); if (next == NULL) next = (result(*)(__VA_ARGS__))dlsym(RTLD_NEXT, name)

ssize_t write(int fd, const void* data, size_t size) {
  NEXT(ssize_t, "write", int, const void*, size_t);
  return fails(fd) ? -1 : next(fd, data, size);
}
ssize_t writev(int fd, const struct iovec* parts, int count) {
  NEXT(ssize_t, "writev", int, const struct iovec*, int);
  return fails(fd) ? -1 : next(fd, parts, count);
}
ssize_t pwrite(int fd, const void* data, size_t size, off_t offset) {
  NEXT(ssize_t, "pwrite", int, const void*, size_t, off_t);
  return fails(fd) ? -1 : next(fd, data, size, offset);
}
ssize_t pwrite64(int fd, const void* data, size_t size, off64_t offset) {
  NEXT(ssize_t, "pwrite64", int, const void*, size_t, off64_t);
  return fails(fd) ? -1 : next(fd, data, size, offset);
}
int ftruncate(int fd, off_t size) {
  NEXT(int, "ftruncate", int, off_t);
  return fails(fd) ? -1 : next(fd, size);
}
int ftruncate64(int fd, off64_t size) {
  NEXT(int, "ftruncate64", int, off64_t);
  return fails(fd) ? -1 : next(fd, size);
}
int fsync(int fd) {
  NEXT(int, "fsync", int);
  return fails(fd) ? -1 : next(fd);
}
int rename(const char* from, const char* to) {
  NEXT(int, "rename", const char*, const char*);
  return fails_path(to) ? -1 : next(from, to);
}
