#include "surrogate/training/process_group.hpp"

#define USE_C10D_GLOO
#include <cstdlib>
#include <optional>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
#ifdef MANO_WITH_NCCL
#define USE_C10D_NCCL
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>
#endif

#include <c10/core/impl/DeviceGuardImplInterface.h>

#include "core/error.hpp"
#include "surrogate/kernels/device.hpp"

namespace mano {

namespace {

constexpr std::chrono::seconds kPatience{50};  // a process that dies ends the others within a minute

}  // namespace

struct ProcessGroup::Backend {
  c10::intrusive_ptr<c10d::TCPStore> store;
  c10::intrusive_ptr<c10d::ProcessGroupGloo> gloo;
#ifdef MANO_WITH_NCCL
  c10::intrusive_ptr<c10d::ProcessGroupNCCL> nccl;  // made with the first tensor on a GPU
  std::optional<bool> cards_suffice;

  // NCCL refuses two processes on one card. All of them decide alike.
  bool every_process_has_its_card() {
    const int cards = c10::impl::getDeviceGuardImpl(torch::kCUDA)->deviceCount();
    std::vector<torch::Tensor> without{torch::full({1}, local_rank() >= cards ? 1 : 0, torch::kInt)};
    gloo->allreduce(without)->wait();
    return without.front().item<int>() == 0;
  }
  ~Backend() {
    try {
      if (nccl) nccl->shutdown();
    } catch (const std::exception&) {  // the others are gone: what was wrong has been said
    }
  }
#endif
  void add_up(torch::Tensor& tensor, int rank, int size);
};

void ProcessGroup::Backend::add_up(torch::Tensor& tensor, int rank, int size) {
  std::vector<torch::Tensor> list{tensor};
#ifdef MANO_WITH_NCCL
  if (tensor.is_cuda()) {
    if (!cards_suffice) cards_suffice = every_process_has_its_card();
    if (*cards_suffice && !nccl) {
      const auto options = c10d::ProcessGroupNCCL::Options::create();
      options->timeout = kPatience;
      nccl = c10::make_intrusive<c10d::ProcessGroupNCCL>(
          c10::make_intrusive<c10d::PrefixStore>("nccl", store), rank, size, options);
    }
    if (*cards_suffice) {
      nccl->allreduce(list)->wait();  // of the stream, not of the host
      return;
    }
  }
#else
  static_cast<void>(rank);
  static_cast<void>(size);
#endif
  list.front() = tensor.to(torch::kCPU);
  gloo->allreduce(list)->wait();
  if (tensor.is_cuda()) tensor.copy_(list.front());
}

ProcessGroup::ProcessGroup() {
  const bool torchrun = std::getenv("WORLD_SIZE") != nullptr;
  size_ = number_from_environment(torchrun ? "WORLD_SIZE" : "OMPI_COMM_WORLD_SIZE").value_or(1);
  rank_ = number_from_environment(torchrun ? "RANK" : "OMPI_COMM_WORLD_RANK").value_or(0);
  check(size_ >= 1 && rank_ < size_,
        "process {} of {}: set RANK below WORLD_SIZE, or start with torchrun or mpirun", rank_, size_);
  if (size_ == 1) return;
  const char* address = std::getenv("MASTER_ADDR");
  const std::string host = address != nullptr ? address : "127.0.0.1";
  const int port = number_from_environment("MASTER_PORT").value_or(29400);
  check(port > 0 && port < 65536, "MASTER_PORT is {}; expected a port", port);
  try {
    c10d::TCPStoreOptions meeting;
    meeting.port = static_cast<std::uint16_t>(port);
    meeting.isServer = rank_ == 0;
    meeting.numWorkers = static_cast<std::size_t>(size_);
    meeting.timeout = kPatience;
    backend_ = std::make_unique<Backend>();
    backend_->store = c10::make_intrusive<c10d::TCPStore>(host, meeting);
    const auto options = c10d::ProcessGroupGloo::Options::create(kPatience);
    options->devices.push_back(c10d::ProcessGroupGloo::createDeviceForHostname(host));
    backend_->gloo = c10::make_intrusive<c10d::ProcessGroupGloo>(backend_->store, rank_, size_, options);
  } catch (const std::exception& e) {
    const std::string text = e.what();
    throw RunFailed(fmt::format(
        "process {} of {} could not meet the others at {}:{} ({}); set MASTER_ADDR and MASTER_PORT", rank_,
        size_, host, port, text.substr(0, text.find('\n'))));
  }
}

ProcessGroup::~ProcessGroup() = default;

void ProcessGroup::add_up(torch::Tensor& tensor) {
  if (size_ == 1) return;
  try {
    backend_->add_up(tensor, rank_, size_);
  } catch (const std::exception& e) {
    const std::string text = e.what();
    throw RunFailed(
        fmt::format("process {} of {} lost another one ({}); --resume goes on from the last finished epoch, "
                    "with any number "
                    "of them where --batch or --accumulate keeps the samples a step",
                    rank_, size_, text.substr(0, text.find('\n'))));
  }
}

}  // namespace mano
