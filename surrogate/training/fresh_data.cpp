#include "surrogate/training/fresh_data.hpp"

#include "surrogate/kernels/torch.hpp"

namespace mano {

FreshData::FreshData(const TrainRequest& request)
    : source_(*request.fresh),
      held_out_(static_cast<std::int64_t>(source_.held_out(request))),
      per_epoch_(static_cast<std::int64_t>(source_.info.samples)),
      epochs_(request.epochs) {}

FreshData::~FreshData() {
  if (making_.valid()) making_.wait();
}

FreshData::Fields FreshData::held_out() {
  return make(0, held_out_);
}

FreshData::Fields FreshData::epoch(int number) {
  const auto begin = [&](int e) { return static_cast<std::uint64_t>(held_out_ + e * per_epoch_); };
  Fields fields;
  if (next_ == number) {
    fields = making_.get();
  } else {
    if (making_.valid()) making_.wait();
    fields = make(begin(number), per_epoch_);
  }
  next_ = number + 1;
  if (next_ < epochs_)
    making_ =
        std::async(std::launch::async, [this, first = begin(next_)] { return make(first, per_epoch_); });
  return fields;
}

FreshData::Fields FreshData::make(std::uint64_t first, std::int64_t count) const {
  const Grid& g = source_.info.grid;
  const auto k = torch::empty({count, 1, g.ny, g.nx}, torch::kFloat64);
  const auto p = torch::empty_like(k);
  source_.make(first, static_cast<int>(count), k.data_ptr<double>(), p.data_ptr<double>());
  return {k.to(torch::kFloat32), p.to(torch::kFloat32)};
}

}  // namespace mano
