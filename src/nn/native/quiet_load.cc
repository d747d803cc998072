// Loads TensorFlow's libraries and drops the information and warnings that they print meanwhile.
// They log before any setting of the log level is read. Errors are printed.
#include <dlfcn.h>
#include <unistd.h>

#include <csignal>
#include <cstdio>
#include <cstring>

namespace {

// Set by the compiler's command line: paths of the libraries, in the order in which they are loaded.
const char* const kLibraries[] = {GIST_LIBRARIES};

FILE* captured = nullptr;
int standard_error = -1;

bool IsDropped(const char* line) {
  // Log lines start with their severity and date; the date is 0000 where none is configured.
  const bool is_log = (line[0] == 'I' || line[0] == 'W') && strspn(line + 1, "0123456789") == 4;
  return is_log || strncmp(line, "WARNING: All log messages before absl::", 39) == 0;
}

// Points standard error back at the terminal and prints what is kept of the captured lines.
void Restore() {
  fflush(stderr);
  dup2(standard_error, STDERR_FILENO);
  rewind(captured);
  char line[4096];
  while (fgets(line, sizeof line, captured) != nullptr) {
    if (!IsDropped(line)) fputs(line, stderr);
  }
}

// A library that cannot run on this processor says so and aborts.
void OnAbort(int) {
  Restore();
  signal(SIGABRT, SIG_DFL);
  raise(SIGABRT);
}

void Load() {
  captured = tmpfile();
  standard_error = dup(STDERR_FILENO);
  const bool captures = captured != nullptr && standard_error >= 0;
  void (*previous)(int) = SIG_DFL;
  if (captures) {
    previous = signal(SIGABRT, OnAbort);
    fflush(stderr);
    dup2(fileno(captured), STDERR_FILENO);
  }
  // A library that cannot be loaded is reported by the binding, which needs it too.
  for (const char* library : kLibraries) dlopen(library, RTLD_LAZY | RTLD_LOCAL);
  if (captures) {
    Restore();
    signal(SIGABRT, previous);
  }
  if (captured != nullptr) fclose(captured);
  if (standard_error >= 0) close(standard_error);
}

}  // namespace

// Node's entry point of an addon: environment and exports in, exports out.
extern "C" void* napi_register_module_v1(void*, void* exports) {
  Load();
  return exports;
}
