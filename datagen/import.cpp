#include "datagen/import.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "core/error.hpp"
#include "core/files.hpp"
#include "core/interrupt.hpp"
#include "datagen/dataset.hpp"
#include "datagen/field_file.hpp"
#include "datagen/indicator.hpp"

namespace mano {

namespace {

class Importer {
 public:
  explicit Importer(const ImportRequest& request)
      : r_(request),
        coefficient_(r_.input, r_.coefficient, kPermeabilityNames, r_.arrays),
        solution_(r_.input, r_.solution, kPressureNames, r_.arrays) {
    if (!r_.active.empty())
      active_ = std::make_unique<ArrayReader>(r_.input, r_.active, std::vector<std::string>{}, r_.arrays);
    check(!coefficient_.is_ours(),
          "{} is a mano dataset: it needs no import, which would lose its units, domain and problem",
          r_.input.string());
    check_alike(solution_);
    if (active_) check_alike(*active_);
    check(!r_.arrays.time_step || coefficient_.has_time() || solution_.has_time(),
          "{}: --time-step was given, but '{}' and '{}' have no time axis", r_.input.string(),
          coefficient_.name(), solution_.name());
  }

  DatasetInfo info() const {
    DatasetInfo info;
    info.grid = coefficient_.grid();
    info.grid.lx = r_.size[0];
    info.grid.ly = r_.size[1];
    if (!info.grid.flat()) info.grid.lz = r_.size[2];
    info.samples = coefficient_.samples();
    info.location = r_.location;
    info.problem_name = r_.problem_name;
    info.field = "imported";
    info.configuration = r_.configuration;
    for (std::size_t s = 0; s < info.samples && may_be_inactive() && !info.has_inactive; ++s)
      info.has_inactive = !mask(s, coefficient_.read(s)).all();
    return info;
  }

  Sample sample(std::size_t s) {
    Sample sample;
    sample.number = s;
    sample.permeability = coefficient_.read(s);
    const std::string where = place(coefficient_, s);
    if (may_be_inactive()) sample.active = mask(s, sample.permeability);
    if (r_.phases) map_phases(sample.permeability, *r_.phases, where, sample.active);
    check_coefficient(sample.permeability, where, sample.active);
    sample.pressure = solution_.read(s);
    for (std::size_t c = 0; c < sample.pressure.values.size(); ++c) {
      check(std::isfinite(sample.pressure.values[c]) || !sample.active[c], "{}: value {}",
            place(solution_, s), sample.pressure.values[c]);
    }
    permeability_.add(least_and_most(sample.permeability.values, sample.active));
    pressure_.add(least_and_most(sample.pressure.values, sample.active));
    inactive_ += sample.active.inactive();
    return sample;
  }

  std::vector<std::string> describe() const {
    std::vector<std::string> lines{"permeability " + coefficient_.description() + permeability_.text(),
                                   "pressure " + solution_.description() + pressure_.text()};
    if (active_) lines.push_back("active cells " + active_->description());
    if (inactive_ > 0)
      lines.push_back(fmt::format("{} of {} cells are inactive", inactive_,
                                  coefficient_.samples() * coefficient_.grid().cells()));
    return lines;
  }

 private:
  struct Extremes {
    double least = std::numeric_limits<double>::infinity();
    double most = -std::numeric_limits<double>::infinity();
    void add(const Range& range) {
      least = std::min(least, range.least);
      most = std::max(most, range.most);
    }
    std::string text() const { return fmt::format(", values {:.6g} to {:.6g}", least, most); }
  };

  std::string place(const ArrayReader& array, std::size_t s) const {
    return fmt::format("{}, '{}', sample {}", r_.input.string(), array.name(), s);
  }

  bool may_be_inactive() const { return active_ != nullptr || r_.nan_is_inactive; }

  void check_alike(const ArrayReader& other) const {
    const bool for_all = &other == active_.get() && other.samples() == 1;
    check((for_all || coefficient_.samples() == other.samples()) && coefficient_.grid() == other.grid(),
          "{}: '{}' holds {} samples of {}, '{}' {} of {}", r_.input.string(), coefficient_.name(),
          coefficient_.samples(), coefficient_.grid().resolution(), other.name(), other.samples(),
          other.grid().resolution());
  }

  CellMask mask(std::size_t s, const Field& coefficient) const {
    CellMask mask;
    if (active_) mask = make_cell_mask(active_->read(active_->samples() > 1 ? s : 0), place(*active_, s));
    if (r_.nan_is_inactive) mask = both_active(mask, cells_with_numbers(coefficient, place(coefficient_, s)));
    check(mask.all() || mask.inactive() < mask.values.size(), "{}: all cells are inactive",
          place(coefficient_, s));
    mask.grid = coefficient.grid;
    return mask;
  }

  const ImportRequest& r_;
  ArrayReader coefficient_, solution_;
  std::unique_ptr<ArrayReader> active_;
  Extremes permeability_, pressure_;
  std::size_t inactive_ = 0;
};

}  // namespace

ImportResult import_dataset(const ImportRequest& request) {
  Importer importer(request);
  const DatasetInfo info = importer.info();
  write_atomically(request.output, [&](const std::filesystem::path& temporary) {
    DatasetWriter writer(temporary, info);
    for (std::size_t s = 0; s < info.samples; ++s) {
      if (const int signal = interrupt_signal())
        throw Interrupted(signal, "interrupted; nothing was written");
      writer.write(s, importer.sample(s));
    }
    writer.close();
  });
  return {info.samples, importer.describe()};
}

}  // namespace mano
