// CUDA on the host: just enough for our kernels to run, block by block, thread by thread.
//
// The threads of a block are fibers: one runs until its next barrier, then the next one does. They can
// run in either order, and so can the blocks; a result that depends on it betrays a missing barrier or
// blocks that disturb each other. Barriers that not all threads reach are an error. Shared memory is
// filled with NaN before every block, so that nobody lives on what another block left.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstring>
#include <string>
#include <type_traits>
#include <ucontext.h>
#include <utility>
#include <vector>

#define __global__
#define __device__
#define __forceinline__ inline
#define __launch_bounds__(...)
#define __shared__ static __attribute__((section("shared_memory")))
#define __syncthreads() host::barrier(__LINE__)

using std::abs;
using std::max;
using std::min;

inline int __popcll(unsigned long long bits)
{
    return __builtin_popcountll(bits);
}

inline unsigned __float_as_uint(float value)
{
    unsigned bits;
    std::memcpy(&bits, &value, sizeof bits);
    return bits;
}

inline int atomicAdd(int* sum, int value)
{
    const int before = *sum;
    *sum += value;
    return before;
}

struct Index {
    unsigned x, y, z;
};
static Index threadIdx, blockIdx, gridDim;

extern "C" {
extern char __start_shared_memory[] __attribute__((visibility("hidden"), weak));
extern char __stop_shared_memory[] __attribute__((visibility("hidden"), weak));
}

namespace host {

constexpr size_t STACK_BYTES = 64 * 1024;
constexpr int NOWHERE = -1;

// Goes on with another stack and leaves what is needed to come back. swapcontext would do, were it not
// for its two system calls each time.
#if defined(__x86_64__)
using Context = void*;  // the stack pointer

extern "C" void switch_stack(Context* from, Context to);
asm(R"(
.text
switch_stack:
    pushq %rbp
    pushq %rbx
    pushq %r12
    pushq %r13
    pushq %r14
    pushq %r15
    movq %rsp, (%rdi)
    movq %rsi, %rsp
    popq %r15
    popq %r14
    popq %r13
    popq %r12
    popq %rbx
    popq %rbp
    ret
)");

inline void switch_to(Context& from, Context& to)
{
    switch_stack(&from, to);
}

inline void make_context(Context& context, char* stack, size_t bytes, void (*entry)())
{
    const auto top = reinterpret_cast<size_t>(stack + bytes) / 16 * 16;
    auto* saved = reinterpret_cast<void**>(top) - 8;  // six registers, the entry, an unused return
    std::memset(saved, 0, 8 * sizeof(void*));
    saved[6] = reinterpret_cast<void*>(entry);
    context = saved;
}
#else
using Context = ucontext_t;

inline void switch_to(Context& from, Context& to)
{
    swapcontext(&from, &to);
}

inline void make_context(Context& context, char* stack, size_t bytes, void (*entry)())
{
    getcontext(&context);
    context.uc_stack.ss_sp = stack;
    context.uc_stack.ss_size = bytes;
    makecontext(&context, entry, 0);
}
#endif

struct Fiber {
    Context context;
    std::vector<char> stack = std::vector<char>(STACK_BYTES);
    Index thread;
    bool done;
    int line;  // of the barrier it waits at
};

struct Refused {
    std::string why;
};

static std::vector<Fiber> fibers;
static Context scheduler;
static Fiber* current = nullptr;  // nullptr: a thread that runs without a fiber
static void (*kernel_call)(void**);
static void** kernel_arguments;

inline void barrier(int line)
{
    if (current == nullptr) {
        throw Refused{"line " + std::to_string(line) + ": a barrier that some threads do not reach"};
    }
    current->line = line;
    switch_to(current->context, scheduler);
}

inline void run_fiber()
{
    kernel_call(kernel_arguments);
    current->done = true;
    switch_to(current->context, scheduler);
}

inline void start(Fiber& fiber, Index thread)
{
    make_context(fiber.context, fiber.stack.data(), fiber.stack.size(), run_fiber);
    fiber.thread = thread;
    fiber.done = false;
    fiber.line = NOWHERE;
}

inline void resume(Fiber& fiber)
{
    current = &fiber;
    threadIdx = fiber.thread;
    switch_to(scheduler, fiber.context);
    current = nullptr;
}

inline void run_to_barrier(Fiber& fiber)
{
    resume(fiber);
    if (fiber.done != fibers[0].done || fiber.line != fibers[0].line) {
        throw Refused{"threads wait at different barriers"};
    }
}

inline void run_block(unsigned block_x, unsigned block_y, bool backwards)
{
    std::memset(__start_shared_memory, 0xFF, __stop_shared_memory - __start_shared_memory);
    const unsigned threads = block_x * block_y;
    const auto thread = [&](unsigned turn) {
        const unsigned number = backwards ? threads - 1 - turn : turn;
        return Index{number % block_x, number / block_x, 0};
    };
    start(fibers[0], thread(0));
    resume(fibers[0]);
    if (fibers[0].done) {  // no barrier: the other threads need no fiber
        for (unsigned turn = 1; turn < threads; ++turn) {
            threadIdx = thread(turn);
            kernel_call(kernel_arguments);
        }
        return;
    }
    for (unsigned turn = 1; turn < threads; ++turn) {
        start(fibers[turn], thread(turn));
        run_to_barrier(fibers[turn]);
    }
    while (!fibers[0].done) {
        for (unsigned turn = 0; turn < threads; ++turn) {
            run_to_barrier(fibers[turn]);
        }
    }
}

// How an argument is passed, for the caller to compare with what it passes: the letter of NumPy's
// type; P before what a pointer points at, p where it may only be read. A struct counts as the floats
// it is made of.
template <typename Value>
constexpr const char* kind()
{
    using Plain = std::remove_cv_t<Value>;
    if constexpr (std::is_same_v<Plain, int>) {
        return "i";
    } else if constexpr (std::is_same_v<Plain, unsigned>) {
        return "I";
    } else if constexpr (std::is_same_v<Plain, double>) {
        return "d";
    } else if constexpr (std::is_same_v<Plain, unsigned char>) {
        return "B";
    } else if constexpr (std::is_same_v<Plain, unsigned short>) {
        return "H";
    } else if constexpr (std::is_same_v<Plain, unsigned long long>) {
        return "Q";
    } else {
        static_assert(std::is_same_v<Plain, float> || std::is_class_v<Plain>);
        return "f";
    }
}

template <typename Argument>
std::string passed()
{
    if constexpr (std::is_pointer_v<Argument>) {
        using Value = std::remove_pointer_t<Argument>;
        return std::string(std::is_const_v<Value> ? "p" : "P") + kind<Value>();
    } else {
        return kind<Argument>();
    }
}

template <typename... Arguments>
std::string signature(void (*)(Arguments...))
{
    return (passed<Arguments>() + ...);
}

template <auto Kernel, typename... Arguments, size_t... Position>
void call(void (*)(Arguments...), void** values, std::index_sequence<Position...>)
{
    Kernel(*static_cast<std::remove_cv_t<Arguments>*>(values[Position])...);
}

template <auto Kernel>
void unpack(void** values)
{
    const auto with = [&]<typename... Arguments>(void (*kernel)(Arguments...)) {
        call<Kernel>(kernel, values, std::index_sequence_for<Arguments...>());
    };
    with(Kernel);
}

struct Entry {
    const char* name;
    void (*call)(void**);
    std::string signature;
};

}  // namespace host

#define KERNEL(name) host::Entry{#name, host::unpack<&name>, host::signature(&name)}

// After the kernels: KERNELS(KERNEL(one), KERNEL(other)) makes the library's two functions.
#define KERNELS(...)                                                                               \
    static const std::vector<host::Entry> entries = {__VA_ARGS__};                                 \
    static const host::Entry* entry_of(const char* name)                                           \
    {                                                                                              \
        for (const host::Entry& entry : entries) {                                                 \
            if (std::strcmp(entry.name, name) == 0) {                                              \
                return &entry;                                                                     \
            }                                                                                      \
        }                                                                                          \
        return nullptr;                                                                            \
    }                                                                                              \
    extern "C" const char* signature_of(const char* name)                                          \
    {                                                                                              \
        const host::Entry* entry = entry_of(name);                                                 \
        return entry == nullptr ? nullptr : entry->signature.c_str();                              \
    }                                                                                              \
    extern "C" int launch(const char* name, const unsigned* grid, const unsigned* block,           \
        void** arguments, int backwards, char* why, size_t why_bytes)                              \
    {                                                                                              \
        host::kernel_call = entry_of(name)->call;                                                  \
        host::kernel_arguments = arguments;                                                        \
        if (host::fibers.size() < block[0] * block[1]) {                                           \
            host::fibers = std::vector<host::Fiber>(block[0] * block[1]);                          \
        }                                                                                          \
        gridDim = {grid[0], grid[1], grid[2]};                                                     \
        const unsigned blocks = grid[0] * grid[1] * grid[2];                                       \
        try {                                                                                      \
            for (unsigned turn = 0; turn < blocks; ++turn) {                                       \
                const unsigned number = backwards ? blocks - 1 - turn : turn;                      \
                blockIdx = {number % grid[0], number / grid[0] % grid[1],                          \
                    number / (grid[0] * grid[1])};                                                 \
                host::run_block(block[0], block[1], backwards);                                    \
            }                                                                                      \
        } catch (const host::Refused& refused) {                                                   \
            std::snprintf(why, why_bytes, "%s", refused.why.c_str());                              \
            return 1;                                                                              \
        }                                                                                          \
        return 0;                                                                                  \
    }
