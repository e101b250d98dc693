/**
 * Keeps signal handlers off the threads that compute.
 *
 * oneDNN before 3.11.2, which is inside TensorFlow, has matrix products that point the stack register into memory of the
 * heap (github.com/uxlfoundation/oneDNN/issues/4845). A handler that runs on such a thread writes its frame below that
 * pointer, over the heap. So signals wait while an operation runs: on this thread for the call, and on TensorFlow's own
 * threads for ever, which start with the mask of the thread that makes them. The kernel gives a signal to another thread
 * of Node meanwhile, or to this one after the call.
 *
 * The linker sends the binding's calls here (--wrap), so its sources stay as they are.
 */
#include <pthread.h>
#include <signal.h>

#include <initializer_list>

#include "tensorflow/c/eager/c_api.h"

namespace {

/** Every signal but those that a thread raises by its own fault, which cannot wait. */
sigset_t DeferrableSignals() {
  sigset_t signals;
  sigfillset(&signals);
  for (int fault : {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGSYS}) sigdelset(&signals, fault);
  return signals;
}

/** While it lives, signals do not reach this thread nor any that is started from it. */
class SignalsDeferred {
 public:
  SignalsDeferred() {
    static const sigset_t signals = DeferrableSignals();
    pthread_sigmask(SIG_BLOCK, &signals, &before_);
  }
  ~SignalsDeferred() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalsDeferred(const SignalsDeferred&) = delete;
  SignalsDeferred& operator=(const SignalsDeferred&) = delete;

 private:
  sigset_t before_;
};

}  // namespace

extern "C" {

TFE_Context* __real_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status);
void __real_TFE_Execute(TFE_Op* op, TFE_TensorHandle** outputs, int* count, TF_Status* status);

TFE_Context* __wrap_TFE_NewContext(const TFE_ContextOptions* options, TF_Status* status) {
  const SignalsDeferred deferred;
  return __real_TFE_NewContext(options, status);
}

void __wrap_TFE_Execute(TFE_Op* op, TFE_TensorHandle** outputs, int* count, TF_Status* status) {
  const SignalsDeferred deferred;
  __real_TFE_Execute(op, outputs, count, status);
}
}
