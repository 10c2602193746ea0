#include "surrogate/kernels/tensor_memory.hpp"

#include <c10/core/CPUAllocator.h>
#include <c10/core/CachingDeviceAllocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>

#include <atomic>
#include <new>
#include <utility>

namespace mano {

namespace {

constexpr auto kAll = static_cast<std::size_t>(c10::CachingAllocator::StatType::AGGREGATE);

std::atomic<std::int64_t> now{0};
std::atomic<std::int64_t> most{0};

c10::DeviceIndex current_gpu() {
  return c10::impl::getDeviceGuardImpl(at::kCUDA)->getDevice().index();
}

// Lies before the memory that is handed out.
struct alignas(64) Block {
  c10::DataPtr memory;
  std::int64_t size;
};

// Stays installed once it was: memory that it gave must come back to it. Priority 1 of Torch's allocators.
class CountingAllocator final : public c10::Allocator {
 public:
  explicit CountingAllocator(c10::Allocator* base) : base_(base) {}

  c10::DataPtr allocate(std::size_t size) override {
    c10::DataPtr memory = base_->allocate(size + sizeof(Block));
    auto* block = new (memory.get()) Block{std::move(memory), static_cast<std::int64_t>(size)};
    const std::int64_t total = now += block->size;
    std::int64_t seen = most;
    while (total > seen && !most.compare_exchange_weak(seen, total)) {
    }
    return {block + 1, block + 1, &release, c10::Device(c10::DeviceType::CPU)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &release; }
  void copy_data(void* to, const void* from, std::size_t count) const override {
    default_copy_data(to, from, count);
  }

 private:
  static void release(void* context) {
    auto* block = static_cast<Block*>(context) - 1;
    now -= block->size;
    const c10::DataPtr memory = std::move(block->memory);  // goes when the block has gone
    block->~Block();
  }
  c10::Allocator* base_;
};

}  // namespace

TensorMemory::TensorMemory(bool on_gpu) : on_gpu_(on_gpu) {
  if (on_gpu_) {
    auto* gpu = at::getDeviceAllocator(at::kCUDA);
    gpu->resetPeakStats(current_gpu());
    start_ = gpu->getDeviceStats(current_gpu()).allocated_bytes[kAll].current;
    return;
  }
  static CountingAllocator* installed = [] {
    auto* allocator = new CountingAllocator(c10::GetCPUAllocator());  // as long as the process
    c10::SetCPUAllocator(allocator, 1);
    return allocator;
  }();
  static_cast<void>(installed);
  most = now.load();
  start_ = now;
}

std::size_t free_bytes_of_gpu() {
  return at::getDeviceAllocator(at::kCUDA)->getMemoryInfo(current_gpu()).first;
}

std::int64_t TensorMemory::peak() const {
  if (on_gpu_)
    return at::getDeviceAllocator(at::kCUDA)->getDeviceStats(current_gpu()).allocated_bytes[kAll].peak -
           start_;
  return most - start_;
}

}  // namespace mano
