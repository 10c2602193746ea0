// Eclipse text: values of a layer and a section, the units, and what it includes. Where the text gives a grid, it is that of the text;
// rock.inc beside it can be included.
#include "datagen/grdecl.hpp"

#include "tests/fuzz/fuzz.hpp"

namespace {

using mano::fuzz::expect_read_or_refused;

const mano::fuzz::InputFile& input() {
  static const mano::fuzz::InputFile file("input.grdecl");
  return file;
}

}  // namespace

extern "C" int LLVMFuzzerInitialize(int* /*argc*/, char*** /*argv*/) {
  std::ofstream(input().path().parent_path() / "rock.inc") << "PORO\n 24*0.2 /\nBOX\n 1 2 1 1 1 1 /\n";
  mano::fuzz::limit_memory();
  return 0;
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  input().write(data, size);
  const auto& path = input().path();
  mano::GrdeclOptions layer;
  layer.layer = 1;
  mano::GrdeclOptions section;
  section.grid = {4, 3, 2};
  section.section = 3;
  mano::GrdeclOptions active = section;
  active.keyword = "ACTNUM";
  expect_read_or_refused([&] { mano::read_grdecl(path, layer); });
  expect_read_or_refused([&] { mano::read_grdecl(path, section); });
  expect_read_or_refused([&] { mano::read_grdecl(path, active); });
  mano::GrdeclOptions computed = section;
  computed.keyword = "PERMZ";
  computed.whole = true;
  expect_read_or_refused([&] { mano::read_grdecl(path, computed); });
  expect_read_or_refused([&] { mano::grdecl_has(path, "PORO"); });
  expect_read_or_refused([&] { mano::grdecl_mentions(path, {"MULTZ", "NTG"}, false); });
  expect_read_or_refused([&] { mano::grdecl_units(path); });
  expect_read_or_refused([&] { mano::grdecl_included(path, false); });
  return 0;
}
