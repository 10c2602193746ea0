// Datasets that are cut short, changed, or none.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <random>

#include "datagen/dataset_fixture.hpp"
#include "datagen/hdf5_handle.hpp"

namespace mano {
namespace {

TEST(Dataset, EveryTruncationIsRefused) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "d.h5";
  write(path, 2);
  const auto size = std::filesystem::file_size(path);
  for (std::uintmax_t keep = 0; keep < size; ++keep) {
    const auto cut = folder.path() / "cut.h5";
    std::filesystem::copy_file(path, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, keep);
    EXPECT_THROW(DatasetReader{cut}, InvalidInput) << keep;
  }
}

// What a reader sees of a file, in one text; whatever it cannot read it refuses.
std::string everything(const std::filesystem::path& path) {
  const DatasetReader reader(path);
  const DatasetInfo& i = reader.info();
  std::string text =
      fmt::format("{} {} {} {} {} {} {} {} {}", i.grid.resolution(), i.grid.lx, i.grid.ly, i.samples,
                  to_string(i.location), i.problem_name, i.field, i.configuration, i.tolerance);
  for (std::size_t s = 0; s < i.samples; ++s) {
    const Sample sample = reader.read(s);
    text += fmt::format("|{} {} {} {} {}", sample.seed, sample.number, sample.iterations, sample.residual,
                        sample.solver);
    for (double v : sample.permeability.values) text += fmt::format(" {}", v);
    for (double v : sample.pressure.values) text += fmt::format(" {}", v);
    for (const PlacedWell& w : sample.wells)
      text += fmt::format(" well {} {} {} {} {}", w.x, w.y, w.rate, w.pressure, w.radius);
  }
  return text;
}

// Each flip is refused, or nothing that a reader sees has changed (bytes that HDF5 leaves unused).
TEST(Dataset, NoFlippedBitIsSilent) {
  const TemporaryFolder folder;
  const auto path = write_wells(folder);
  const std::string whole = everything(path);
  const auto size = std::filesystem::file_size(path);
  std::mt19937_64 random(5);
  int refused = 0;
  for (int flip = 0; flip < 1000; ++flip) {
    const auto at = static_cast<std::streamoff>(random() % size);
    const int bit = static_cast<int>(random() % 8);
    const auto flipped = folder.path() / "flipped.h5";
    std::filesystem::copy_file(path, flipped, std::filesystem::copy_options::overwrite_existing);
    std::fstream file(flipped, std::ios::in | std::ios::out | std::ios::binary);
    file.seekg(at);
    const char byte = static_cast<char>(file.get() ^ (1 << bit));
    file.seekp(at);
    file.put(byte);
    file.close();
    try {
      EXPECT_EQ(everything(flipped), whole) << "byte " << at << ", bit " << bit;
    } catch (const Error& e) {
      EXPECT_NE(std::string(e.what()).find("flipped.h5"), std::string::npos) << e.what();
      ++refused;
    }
  }
  EXPECT_GT(refused, 100);
}

TEST(Dataset, RefusesWhatIsNoDataset) {
  const TemporaryFolder folder;
  EXPECT_THROW(DatasetReader(folder.path() / "absent.h5"), InvalidInput);
  std::ofstream(folder.path() / "text.h5") << "no HDF5";
  EXPECT_THROW(DatasetReader(folder.path() / "text.h5"), InvalidInput);
  { h5_create(folder.path() / "empty.h5"); }
  try {
    DatasetReader reader(folder.path() / "empty.h5");
    ADD_FAILURE();
  } catch (const InvalidInput& e) {
    EXPECT_NE(std::string(e.what()).find("mano import"), std::string::npos);
  }
}

}  // namespace
}  // namespace mano
