#include "datagen/field_sampler.hpp"

#include <algorithm>
#include <cmath>
#include <complex>
#include <numbers>

#include "core/error.hpp"
#include "datagen/counter_random.hpp"
#include "datagen/fftw_plan.hpp"
#include "datagen/matern_torus.hpp"

namespace mano {

namespace {

using std::numbers::pi;
using Complex = std::complex<double>;

// A mode of the torus and what all grids share of it.
struct Mode {
  std::int16_t a, b;
  double amplitude;
};

// The Gaussian field on one grid: half of a Hermitian spectrum, [ny, nx / 2 + 1], and its transform to [ny, nx].
class Transform {
 public:
  Transform(const MaternTorus& torus, const FieldSampler::Target& target)
      : grid_(target.grid),
        resolved_(target.resolved),
        nx_(torus.periods_x * grid_.nx),
        ny_(torus.periods_y * grid_.ny),
        half_(nx_ / 2 + 1),
        spectrum_(static_cast<std::size_t>(half_) * ny_),
        values_(static_cast<std::size_t>(nx_) * ny_) {
    // The first cell centre lies half a cell from the origin.
    for (int a = 0; a <= torus.kx; ++a) shift_x_.push_back(std::polar(0.5, pi * a / nx_));
    for (int b = 0; b <= torus.ky; ++b) shift_y_.push_back(std::polar(1.0, pi * b / ny_));
    plan_ = planned([&] {
      return fftw_plan_dft_c2r_2d(ny_, nx_, reinterpret_cast<fftw_complex*>(spectrum_.data()), values_.data(),
                                  FFTW_ESTIMATE);
    });
  }

  void clear() { std::fill(spectrum_.begin(), spectrum_.end(), Complex()); }

  bool shows(int a, int b) const { return !resolved_ || (2 * a < nx_ && 2 * std::abs(b) < ny_); }

  // Re (coefficient exp(i theta)) with theta the mode's phase; `coefficient` real for the constant one.
  void add(int a, int b, Complex coefficient) {
    const Complex turn = b < 0 ? std::conj(shift_y_[-b]) : shift_y_[b];
    const Complex half = coefficient * shift_x_[a] * turn;
    const int column = wrap(a, nx_);
    const int row = wrap(b, ny_);
    const int opposite = row == 0 ? 0 : ny_ - row;
    if (2 * column > nx_) {
      at(opposite, nx_ - column) += std::conj(half);
      return;
    }
    at(row, column) += half;
    if (column == 0 || 2 * column == nx_) at(opposite, column) += std::conj(half);
  }

  // exp(mean + deviation g) at the cell centres.
  void exponential(double mean, double deviation, Field& k) {
    fftw_execute(plan_.get());
    for (int j = 0; j < grid_.ny; ++j) {
      const double* g = values_.data() + static_cast<std::size_t>(j) * nx_;
      for (int i = 0; i < grid_.nx; ++i) k(i, j) = std::exp(mean + deviation * g[i]);
    }
  }

  double work() const { return static_cast<double>(nx_) * ny_; }

 private:
  Complex& at(int row, int column) { return spectrum_[static_cast<std::size_t>(row) * half_ + column]; }

  Grid grid_;
  bool resolved_;
  int nx_, ny_, half_;
  std::vector<Complex> spectrum_;
  std::vector<double> values_;
  std::vector<Complex> shift_x_, shift_y_;
  Plan plan_;
};

}  // namespace

struct FieldSampler::Impl {
  FieldSpec spec;
  std::uint64_t seed;
  std::vector<Target> targets;
  std::vector<Field> fields;
  std::vector<Mode> modes;  // of lognormal fields
  std::vector<Transform> transforms;

  void prepare_lognormal() {
    const MaternTorus torus(spec, targets[0].grid);
    for (const Target& t : targets) transforms.emplace_back(torus, t);
    double variance = 0.0;
    torus.for_each_mode([&](int, int, double weight) { variance += weight; });
    torus.for_each_mode([&](int a, int b, double weight) {
      if (std::any_of(transforms.begin(), transforms.end(),
                      [&](const Transform& t) { return t.shows(a, b); }))
        modes.push_back(
            {static_cast<std::int16_t>(a), static_cast<std::int16_t>(b), std::sqrt(weight / variance)});
    });
  }

  void draw_lognormal(std::uint64_t sample) {
    const CounterRandom random(seed, kMaternStream, sample);
    for (Transform& t : transforms) t.clear();
    for (const Mode& mode : modes) {
      const auto [cosine, sine] = random.normal_pair(mode.a, mode.b);
      const bool constant = mode.a == 0 && mode.b == 0;
      const Complex coefficient(mode.amplitude * cosine, constant ? 0.0 : -mode.amplitude * sine);
      for (Transform& t : transforms) {
        if (t.shows(mode.a, mode.b)) t.add(mode.a, mode.b, coefficient);
      }
    }
    for (std::size_t t = 0; t < transforms.size(); ++t)
      transforms[t].exponential(spec.mean, spec.deviation, fields[t]);
  }
};

FieldSampler::FieldSampler(const FieldSpec& spec, std::uint64_t seed, std::vector<Target> targets)
    : impl_(std::make_unique<Impl>()) {
  check(!targets.empty(), "a field on no grid");
  for (const Target& t : targets) {
    check_field_spec(spec, t.grid);
    check(t.grid.flat(), "fields on several grids at once are of the plane, not of a volume of {}",
          t.grid.resolution());
    check(t.grid.lx == targets[0].grid.lx && t.grid.ly == targets[0].grid.ly,
          "grids of domains {:g}x{:g} and {:g}x{:g}", targets[0].grid.lx, targets[0].grid.ly, t.grid.lx,
          t.grid.ly);
  }
  impl_->spec = spec;
  impl_->seed = seed;
  impl_->targets = std::move(targets);
  for (const Target& t : impl_->targets) impl_->fields.emplace_back(t.grid);
  if (spec.kind == "lognormal") impl_->prepare_lognormal();
}

FieldSampler::~FieldSampler() = default;
FieldSampler::FieldSampler(FieldSampler&&) noexcept = default;

const std::vector<Field>& FieldSampler::draw(std::uint64_t sample) {
  Impl& s = *impl_;
  if (s.spec.kind == "lognormal") {
    s.draw_lognormal(sample);
    return s.fields;
  }
  for (std::size_t t = 0; t < s.targets.size(); ++t) {
    const Target& target = s.targets[t];
    s.fields[t] = target.resolved && s.spec.kind == "two-phase"
                      ? draw_resolved_two_phase(s.spec, s.seed, sample, target.grid)
                      : draw_field(s.spec, s.seed, sample, target.grid);
  }
  return s.fields;
}

double FieldSampler::work() const {
  double work = static_cast<double>(impl_->modes.size());
  for (const Transform& t : impl_->transforms) work += t.work();
  for (const Target& t : impl_->targets) work += static_cast<double>(t.grid.cells());
  return work;
}

}  // namespace mano
