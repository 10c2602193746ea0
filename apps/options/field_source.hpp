#pragma once
// Permeabilities and their active cells, drawn or read as the options of apps/options/field_options.hpp say.

#include <cstdint>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "apps/options/field_options.hpp"
#include "core/units.hpp"
#include "datagen/dataset.hpp"

namespace mano {

/// Permeability by sample number and grid, from whichever options were given.
class FieldSource {
 public:
  /// Reads and checks the file, if one was named. Throws InvalidInput.
  explicit FieldSource(FieldOptions options);
  ~FieldSource();
  FieldSource(FieldSource&&) noexcept;

  bool from_file() const;
  /// Samples that the file holds; 0 for random fields, which have no end.
  std::size_t samples() const;
  /// Grid of the given resolution ("" takes the file's own) and the domain of --size (default 1x1). Throws InvalidInput for a volume.
  Grid grid(const std::string& resolution) const;
  /// The same for those who take volumes, too: `resolution` may be WxHxD, --size LXxLYxLZ.
  Grid volume(const std::string& resolution) const;
  /// Throws InvalidInput where a file holds another resolution than the grid.
  Field draw(std::uint64_t sample, const Grid& grid) const;
  bool has_inactive() const;  ///< some sample may have
  /// The field and its active cells as a sample without a pressure. Active are all, but for --active, ACTNUM of a GRDECL file,
  /// --nan-is-inactive and --inactive.
  Sample sample(std::uint64_t number, const Grid& grid) const;
  /// That the file states: METRIC or FIELD of GRDECL, a dataset's own with viscosity and thickness, those of the arrays of a .vti; empty
  /// where none. Throws InvalidInput for GRDECL's LAB.
  std::optional<Units> units() const;
  /// Of the values, where the array's name has it: "mD" of "permeability [mD]"; else empty.
  std::string unit() const;
  /// Of the file, where it says where its cells lie: a .vti, a dataset of ours.
  std::optional<Grid> place() const;
  /// Bytes that drawing a field takes.
  double memory(const Grid& grid) const;
  /// Throws InvalidInput where a dataset's values sit elsewhere.
  void check_location(Location location) const;
  /// Throws InvalidInput where the source is a file that does not hold samples first ... first + count - 1.
  void check_samples(std::size_t first, std::size_t count) const;
  std::string kind() const;              ///< "two-phase", ..., "file"
  std::string description() const;       ///< for people: "two-phase, seed 1", or the file's name
  nlohmann::json configuration() const;  ///< everything that the field depends on
  /// Of a file, what its hash and keyword leave open: included files (by hash), axes, time step. Null where there is none.
  nlohmann::json reading() const;
  const FieldOptions& options() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace mano
