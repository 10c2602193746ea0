#pragma once
// Grids and fields.
//
// A Grid divides the box [x0, x0 + lx] x [y0, y0 + ly] x [z0, z0 + lz] into nx x ny x nz equal cells. (x0, y0, z0) is zero but for
// what was read from a file with an origin. A Field holds one value a grid point, row-major [nz, ny, nx]:
// values[(k * ny + j) * nx + i] belongs to column i (x, eastward), row j (y, northward) and layer k (z, downward: a depth).
// With nz = 1, the default, the grid is flat, a field is an array [ny, nx], and all is per unit of thickness (lz = 1).
// Lengths, permeability over viscosity, pressure and fluxes are in any one consistent system of units;
// core/units.hpp has others.

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace mano {

/// Where a dataset's values sit: in the middle of cells, x_i = x0 + (i + 1/2) hx, or at nodes, x_i = x0 + i hx.
enum class Location { cell, node };

std::string to_string(Location location);
Location parse_location(const std::string& text);  ///< Throws InvalidInput.

struct Grid {
  int nx = 1;
  int ny = 1;
  double lx = 1.0;
  double ly = 1.0;
  double x0 = 0.0;  ///< the south-west corner
  double y0 = 0.0;
  int nz = 1;
  double lz = 1.0;
  double z0 = 0.0;  ///< depth of the top

  double hx() const { return lx / nx; }
  double hy() const { return ly / ny; }
  double hz() const { return lz / nz; }
  bool flat() const { return nz == 1; }
  std::size_t layer() const { return static_cast<std::size_t>(nx) * static_cast<std::size_t>(ny); }
  std::size_t cells() const { return layer() * static_cast<std::size_t>(nz); }
  std::size_t index(int i, int j, int k = 0) const { return (static_cast<std::size_t>(k) * ny + j) * nx + i; }
  double x(int i, Location location = Location::cell) const;  ///< Coordinate of column i.
  double y(int j, Location location = Location::cell) const;  ///< Coordinate of row j.
  double z(int k) const { return z0 + (k + 0.5) * hz(); }     ///< Depth of the middle of layer k.
  bool same_cells(const Grid& other) const { return nx == other.nx && ny == other.ny && nz == other.nz; }
  std::string resolution() const;             ///< "WxH", "WxHxD" where it is not flat
  std::string size() const;                   ///< "LXxLY", "LXxLYxLZ" where it is not flat
  std::string cell(std::size_t index) const;  ///< "(i, j)", "(i, j, k)" where it is not flat

  bool operator==(const Grid&) const = default;
};

struct Field {
  Grid grid;
  std::vector<double> values;

  Field() = default;
  explicit Field(const Grid& g, double value = 0.0) : grid(g), values(g.cells(), value) {}

  double& operator()(int i, int j, int k = 0) { return values[grid.index(i, j, k)]; }
  double operator()(int i, int j, int k = 0) const { return values[grid.index(i, j, k)]; }
};

struct Range {
  double least = 0.0;
  double most = 0.0;
  bool finite = true;  ///< all values are; otherwise the others mean nothing
  bool usable_permeability() const { return finite && least > 0; }
};
Range least_and_most(const std::vector<double>& values);

struct Resolution {
  int nx = 0;
  int ny = 0;
  int nz = 1;
  bool operator==(const Resolution&) const = default;
  std::string text() const;
};

/// At least one cell, and few enough for all parts of the program.
bool is_supported(const Resolution& resolution);
/// "256x128" -> {256, 128}. Throws InvalidInput for anything else, zero and negative numbers included.
Resolution parse_resolution(const std::string& text);
/// The same, and "64x64x16" -> {64, 64, 16}, for whoever takes volumes.
Resolution parse_volume_resolution(const std::string& text);
/// "64x64,128x128" -> list. Throws InvalidInput.
std::vector<Resolution> parse_resolutions(const std::string& text);
std::vector<Resolution> parse_volume_resolutions(const std::string& text);
/// "2.5x1" -> lx, ly > 0. Throws InvalidInput.
std::pair<double, double> parse_size(const std::string& text);
/// The same, and "1000x1000x50" -> lx, ly, lz; lz = 1 where there are two. Throws InvalidInput, naming `what`.
std::array<double, 3> parse_volume_size(const std::string& text, const char* what = "size");

/// A permeability must be finite and above zero in every cell. Throws InvalidInput naming `where`, cell and value.
void check_permeability(const Field& permeability, const std::string& where);

}  // namespace mano
