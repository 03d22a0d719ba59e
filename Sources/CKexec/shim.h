#include <errno.h>
#include <linux/memfd.h>
#include <sys/mman.h>
#include <sys/reboot.h>
#include <sys/syscall.h>
#include <unistd.h>

// glibc has no wrapper for these, and Swift can not call the variadic syscall(2). Each gives 0 or an error number.

static inline int ckexec_file_load(int kernel, int initrd, const char *arguments, unsigned long length) {
  return syscall(SYS_kexec_file_load, kernel, initrd, length, arguments, 0UL) == 0 ? 0 : errno;
}

// A file in memory; -1 where the kernel has none.
static inline int ckexec_memory_file(const char *name) { return syscall(SYS_memfd_create, name, MFD_CLOEXEC); }

// Starts the loaded kernel. Returns an error number, or not at all.
static inline int ckexec_execute(void) { return reboot(RB_KEXEC) == 0 ? 0 : errno; }
