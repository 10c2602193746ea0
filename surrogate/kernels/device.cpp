#include "surrogate/kernels/device.hpp"

#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/cuda.h>

#include <charconv>
#include <cstdlib>
#include <string_view>

#include "core/error.hpp"

namespace mano {

std::optional<int> number_from_environment(const char* name) {
  const char* text = std::getenv(name);
  if (text == nullptr) return {};
  int value = 0;
  const std::string_view view(text);
  const auto [end, error] = std::from_chars(view.data(), view.data() + view.size(), value);
  check(error == std::errc() && end == view.data() + view.size() && value >= 0,
        "the environment variable {} is '{}'; expected a number", name, text);
  return value;
}

int local_rank() {
  return number_from_environment(std::getenv("LOCAL_RANK") != nullptr ? "LOCAL_RANK"
                                                                      : "OMPI_COMM_WORLD_LOCAL_RANK")
      .value_or(0);
}

torch::Device device_from(const std::string& name) {
  check(name == "auto" || name == "cpu" || name == "cuda", "device is '{}', expected auto, cpu or cuda",
        name);
  const bool available = name != "cpu" && torch::cuda::is_available();
  check(name != "cuda" || available,
        "device is 'cuda', but this program finds no CUDA device; use --device cpu");
  if (!available) return torch::kCPU;
  // Processes of one machine take its cards in turn.
  const auto* gpus = c10::impl::getDeviceGuardImpl(torch::kCUDA);
  const torch::Device own(torch::kCUDA, static_cast<c10::DeviceIndex>(local_rank() % gpus->deviceCount()));
  gpus->setDevice(own);
  return own;
}

}  // namespace mano
