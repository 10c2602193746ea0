#pragma once
// The values of a keyword cell by cell, and parts of the grid. Private to datagen/.

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "datagen/grdecl_file.hpp"

namespace mano {

using GridSize = std::array<int, 3>;
std::string text_of(const GridSize& n);  ///< "3x2x2"

struct GrdeclBox {
  GridSize first{0, 0, 0};  ///< counted from 0
  GridSize size{1, 1, 1};
  std::size_t cells() const { return static_cast<std::size_t>(size[0]) * size[1] * size[2]; }
  bool operator==(const GrdeclBox&) const = default;
};

/// I1 I2 J1 J2 K1 K2 from `words`. An entry left open ("1*", "*"), and one that is missing, is as in `otherwise`; "3*" leaves three open. Throws
/// InvalidInput, naming `place`, for what lies outside the grid, words that are left over, and, if it must be `complete`, missing ones.
GrdeclBox grdecl_box(const std::vector<GrdeclWords::Word>& words, const GridSize& grid,
                     const GrdeclBox& otherwise, bool complete, const std::string& place);

/// All cells of a keyword. Those that nothing has given a value have none, but of ACTNUM 1.
class GrdeclCells {
 public:
  GrdeclCells(std::string keyword, const GridSize& grid);

  void take(const std::vector<double>& values, const GrdeclBox& box);
  void copy(const GrdeclCells& from, const GrdeclBox& box, const std::string& place);
  /// Any of the operations below. Throws InvalidInput, naming `place`, where a cell has no value that it could change.
  ///   EQUALS v = x   MULTIPLY v *= x   ADD v += x   MINVALUE v = max(v, x)   MAXVALUE v = min(v, x)
  void apply(const std::string& operation, double x, const GrdeclBox& box, const std::string& place);
  /// Throws InvalidInput, naming `file`, where a cell has no value.
  std::vector<double> finish(const std::string& file) &&;

 private:
  template <typename F>
  void each(const GrdeclBox& box, const F& f);
  void need(std::size_t cell, const std::string& place) const;
  std::string text_of_cell(std::size_t cell) const;

  std::string keyword_;
  GridSize grid_;
  std::vector<double> values_;
  std::vector<std::uint8_t> known_;
};

}  // namespace mano
