#include "surrogate/multigrid/darcy_operator.hpp"

#include "core/error.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

using torch::Tensor;

namespace {

// Transmissibilities of all faces across the last axis: harmonic means inside, half-cell distance at a prescribed pressure. The
// pressures themselves are added to rhs.
Tensor faces(const Tensor& k, double length_over_distance, const AxisEnd& low, const AxisEnd& high,
             bool may_be_zero, Tensor rhs) {
  const auto n = k.size(-1);
  const auto a = k.slice(-1, 0, n - 1);
  const auto b = k.slice(-1, 1, n);
  const auto sum = may_be_zero ? (a + b).clamp_min(1e-300) : a + b;
  const auto inner = 2.0 * a * b / sum * length_over_distance;
  const auto end = [&](const AxisEnd& e, int64_t cell) {
    const auto at = k.slice(-1, cell, cell + 1);
    if (e.kind != AxisEnd::Kind::value) return torch::zeros_like(at);
    const auto t = at * (2.0 * length_over_distance);
    rhs.slice(-1, cell, cell + 1).add_(t, e.value);
    return t;
  };
  return torch::cat({end(low, 0), inner, end(high, n - 1)}, -1);
}

// As the loops read it.
Tensor plain(const Tensor& t) {
  return t.to(torch::kFloat64).contiguous();
}
Tensor plain(const Tensor& t, const Tensor& like) {
  if (t.sizes() == like.sizes() && t.device() == like.device()) return plain(t);
  return plain(t.to(like.device()).expand_as(like));
}

Tensor scratch(const FivePoint& e, const Tensor& like) {
  return torch::empty({cuda_correction_scratch(e)}, like.options());
}

template <typename S>
void add_to(Tensor& p, const FivePoint& e, const Tensor& residual, const Step& step, const S* output) {
  const auto* r = residual.const_data_ptr<double>();
  if (p.is_cuda()) {
    cuda_add_step(e, r, step, output, p.data_ptr<double>(), scratch(e, p).data_ptr<double>());
  } else {
    add_step(e, r, step, output, p.data_ptr<double>());
  }
}

}  // namespace

Tensor safe_length(const DarcyOperator& darcy, const Tensor& step, const Tensor& residual) {
  const auto gain = sum_of_products(step, residual);
  const auto cost = sum_of_products(step, darcy.apply(step));
  return torch::where(cost > 2.0 * gain, gain / cost, torch::ones_like(gain));
}

Tensor sum_of_products(const Tensor& a, const Tensor& b) {
  return (a * b).flatten(1).sum(1).view({-1, 1, 1, 1});
}

Tensor without_mean(const Tensor& pressure, const Tensor& part) {
  if (!part.defined()) return pressure - pressure.mean({2, 3}, true);
  const auto active = (part > 0).to(pressure.dtype());
  const auto mean = (pressure * active).sum({2, 3}, true) / active.sum({2, 3}, true);
  return (pressure - mean) * active;
}

DarcyOperator::DarcyOperator(const Tensor& permeability, const Grid& grid, const KnownProblem& problem,
                             const Tensor& part)
    : part_(part.defined() ? plain(part, permeability) : part), free_(problem.pressure_is_free()) {
  const auto k = plain(permeability);
  const bool holed = part_.defined();
  rhs_ = torch::full_like(k, problem.source * grid.hx() * grid.hy());
  if (holed) rhs_ = rhs_ * part_;
  left_right_ = faces(k, grid.hy() / grid.hx(), problem.ends[0], problem.ends[1], holed, rhs_);
  below_above_ = faces(k.transpose(2, 3), grid.hx() / grid.hy(), problem.ends[2], problem.ends[3], holed,
                       rhs_.transpose(2, 3))
                     .transpose(2, 3)
                     .contiguous();
  rhs_.select(2, 0).select(2, 0) += problem.corner_rate;
  rhs_.select(2, -1).select(2, -1) -= problem.corner_rate;
  diagonal_ = plain(left_right_.slice(3, 0, -1) + left_right_.slice(3, 1) + below_above_.slice(2, 0, -1) +
                    below_above_.slice(2, 1));
  // Of inactive cells, and of those that the problem leaves without a face.
  if (holed) diagonal_ = torch::where(diagonal_ > 0, diagonal_, torch::ones({}, k.options()));
}

Tensor DarcyOperator::apply(const Tensor& pressure) const {
  const auto p = pressure.to(torch::kFloat64);
  // Differences, not diagonal times centre: constants cancel before rounding does harm. Outside lies 0, whose value is in rhs.
  const auto across_x = left_right_ * torch::constant_pad_nd(p, {1, 1, 0, 0}).diff(1, 3);
  const auto across_y = below_above_ * torch::constant_pad_nd(p, {0, 0, 1, 1}).diff(1, 2);
  return -(across_x.diff(1, 3) + across_y.diff(1, 2));
}

Tensor DarcyOperator::residual(const Tensor& pressure) const {
  if (torch::GradMode::is_enabled()) return rhs_ - apply(pressure);
  const auto p = plain(pressure, rhs_);
  auto r = torch::empty_like(rhs_);
  const auto by = p.is_cuda() ? cuda_residual_of : residual_of;
  by(five_point(), p.data_ptr<double>(), r.data_ptr<double>());
  return r;
}

Tensor DarcyOperator::defect(const Tensor& pressure) const {
  return residual(pressure) / diagonal_;
}

DarcyOperator DarcyOperator::of_error(const Tensor& residual) const {
  DarcyOperator other = *this;
  other.rhs_ = plain(residual, rhs_);
  return other;
}

FivePoint DarcyOperator::five_point() const {
  const auto numbers = [](const Tensor& t) { return t.defined() ? t.const_data_ptr<double>() : nullptr; };
  return {rhs_.size(0),          rhs_.size(2),       rhs_.size(3),  numbers(left_right_),
          numbers(below_above_), numbers(diagonal_), numbers(rhs_), numbers(part_)};
}

DarcyOperator::Asked DarcyOperator::ask(const Tensor& pressure) const {
  const FivePoint e = five_point();
  const auto p = plain(pressure, rhs_);
  Asked a{torch::empty({e.samples, kCorrectionInputs, e.ny, e.nx}, p.options().dtype(torch::kFloat32)),
          torch::empty_like(rhs_), torch::empty({e.samples}, p.options())};
  const double* shared = shares().const_data_ptr<double>();
  double* r = a.residual.data_ptr<double>();
  double* size = a.size.data_ptr<double>();
  if (p.is_cuda()) {
    cuda_ask_for_correction(e, shared, p.data_ptr<double>(), r, size, a.input.data_ptr<float>(),
                            scratch(e, p).data_ptr<double>());
  } else {
    ask_for_correction(e, shared, p.data_ptr<double>(), r, size, a.input.data_ptr<float>());
  }
  return a;
}

Tensor DarcyOperator::corrected(const Tensor& pressure, const Asked& asked, const Tensor& answer, double gain,
                                bool safe) const {
  auto p = plain(pressure, rhs_).clone();
  add_to(p, five_point(), asked.residual, {gain, asked.size.const_data_ptr<double>(), safe},
         answer.contiguous().const_data_ptr<float>());
  return p;
}

Tensor DarcyOperator::safe(const Tensor& error) const {
  if (torch::GradMode::is_enabled()) return error * safe_length(*this, error, rhs_);
  auto shortened = torch::zeros_like(rhs_);
  add_to(shortened, five_point(), rhs_, {1.0, nullptr, true}, plain(error, rhs_).const_data_ptr<double>());
  return shortened;
}

Tensor DarcyOperator::shares() const {
  if (torch::GradMode::is_enabled()) return shares_of_faces();  // kept ones have no gradients
  if (!shares_->defined()) *shares_ = shares_of_faces();
  return *shares_;
}

Tensor DarcyOperator::shares_of_faces() const {
  const auto left = left_right_.slice(3, 0, -1) / diagonal_;
  const auto right = left_right_.slice(3, 1) / diagonal_;
  const auto below = below_above_.slice(2, 0, -1) / diagonal_;
  const auto above = below_above_.slice(2, 1) / diagonal_;
  auto all = torch::cat({left, right, below, above, torch::zeros_like(left)}, 1);
  const auto held = all.select(1, 4);
  const auto move_to_held = [&](int64_t channel, int64_t dim, int64_t at) {
    auto edge = all.select(1, channel).select(dim, at);
    held.select(dim, at) += edge;
    edge.zero_();
  };
  move_to_held(0, 2, 0);
  move_to_held(1, 2, -1);
  move_to_held(2, 1, 0);
  move_to_held(3, 1, -1);
  return all;
}

Tensor apply_shares(const Tensor& shares, const Tensor& pressure) {
  const int64_t height = pressure.size(2);
  const int64_t width = pressure.size(3);
  const auto padded = torch::constant_pad_nd(pressure, {1, 1, 1, 1});
  const auto neighbour = [&](int64_t channel, int64_t row, int64_t column) {
    return shares.slice(1, channel, channel + 1) *
           padded.slice(2, row, row + height).slice(3, column, column + width);
  };
  return pressure - neighbour(0, 1, 0) - neighbour(1, 1, 2) - neighbour(2, 0, 1) - neighbour(3, 2, 1);
}

Tensor DarcyOperator::solve(double relative_tolerance) const {
  auto x = torch::zeros_like(rhs_);
  auto r = rhs_.clone();
  auto z = r / diagonal_;
  auto direction = z.clone();
  auto rz = sum_of_products(r, z);
  const auto target = rz * relative_tolerance * relative_tolerance;
  const auto most = 20 * (rhs_.size(2) + rhs_.size(3));
  // What has converged stays as it is. To ask a GPU is to wait for it: not in every iteration.
  const int64_t ask_every = rhs_.is_cuda() ? 16 : 1;
  for (int64_t i = 0; i < most && (i % ask_every != 0 || (rz > target).any().item<bool>()); ++i) {
    const auto a_direction = apply(direction);
    const auto curvature = sum_of_products(direction, a_direction);
    const auto step = torch::where(rz > target, rz / curvature, torch::zeros_like(rz));
    x += step * direction;
    r -= step * a_direction;
    z = r / diagonal_;
    const auto next = sum_of_products(r, z);
    direction = z + torch::where(rz > target, next / rz, torch::zeros_like(rz)) * direction;
    rz = torch::where(rz > target, next, rz);
  }
  if (!(rz <= target).all().item<bool>())
    throw RunFailed(
        "conjugate gradients of a coarse grid did not converge: is the contrast too large for them?");
  return free_ ? without_mean(x, part_) : x;
}

}  // namespace mano
