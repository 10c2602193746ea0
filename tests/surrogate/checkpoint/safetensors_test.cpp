#include "surrogate/checkpoint/safetensors.hpp"

#include <gtest/gtest.h>

#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "temporary_folder.hpp"

namespace mano {
namespace {

class Safetensors : public ::testing::Test {
 protected:
  SafetensorsFile sample() const {
    SafetensorsFile file;
    file.metadata = {{"schema", "test"}, {"text", "\"quoted\" \n ü"}};
    file.tensors["b"] = {"F32", {2, 3}, std::vector<char>(24, 'b')};
    file.tensors["a"] = {"F64", {}, std::vector<char>(8, 'a')};
    file.tensors["empty"] = {"I64", {0, 4}, {}};
    return file;
  }
  std::string error(const std::string& header, const std::string& data) {
    std::string bytes(8, '\0');
    for (int b = 0; b < 8; ++b) bytes[b] = static_cast<char>(header.size() >> (8 * b) & 0xff);
    std::ofstream(path_, std::ios::binary) << bytes << header << data;
    try {
      read_safetensors(path_);
    } catch (const InvalidInput& e) {
      return e.what();
    }
    return "";
  }
  TemporaryFolder folder_;
  std::filesystem::path path_ = folder_.path() / "x.safetensors";
};

TEST_F(Safetensors, ReturnsWhatWasWritten) {
  write_safetensors(path_, sample());
  const SafetensorsFile read = read_safetensors(path_);
  EXPECT_EQ(read.metadata, sample().metadata);
  ASSERT_EQ(read.tensors.size(), 3u);
  for (const auto& [name, tensor] : sample().tensors) {
    EXPECT_EQ(read.tensors.at(name).shape, tensor.shape) << name;
    EXPECT_EQ(read.tensors.at(name).bytes, tensor.bytes) << name;
    EXPECT_EQ(read.tensors.at(name).dtype, tensor.dtype) << name;
  }
}

TEST_F(Safetensors, EveryTruncationIsRefused) {
  write_safetensors(path_, sample());
  const auto size = std::filesystem::file_size(path_);
  const auto cut = folder_.path() / "cut.safetensors";
  for (std::uintmax_t keep = 0; keep < size; ++keep) {
    std::filesystem::copy_file(path_, cut, std::filesystem::copy_options::overwrite_existing);
    std::filesystem::resize_file(cut, keep);
    EXPECT_THROW(read_safetensors(cut), InvalidInput) << keep << " of " << size;
  }
}

TEST_F(Safetensors, ChecksEveryNumberOfTheHeader) {
  const std::string data(16, 'x');
  EXPECT_EQ(error(R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]}})", data), "");
  const std::pair<const char*, const char*> bad[] = {
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,17]}})", "outside"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[16,0]}})", "outside"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[-4,12]}})", "positive"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,16]}})", "bytes for a shape"},
      {R"({"a":{"dtype":"F32","shape":[-4],"data_offsets":[0,16]}})", "negative"},
      {R"({"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,16]}})", "overflow"},
      {R"({"a":{"dtype":"F32","shape":[3],"data_offsets":[0,12]}})", "end at byte"},
      {R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[8,16]}})", "begins at"},
      {R"({"a":{"dtype":"F32","shape":[4],"data_offsets":[0,16]},"b":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})",
       "begins at"},
      {R"({"a":{"dtype":"Q7","shape":[4],"data_offsets":[0,16]}})", "Q7"},
      {R"({"a":{"dtype":"F32","shape":["4"],"data_offsets":[0,16]}})", "integers"},
      {R"({"a":{"dtype":"F32","shape":[4]}})", "data_offsets"},
      {R"({"a":7})", "a"},
      {R"({"__metadata__":{"x":1}})", "not a string"},
      {R"([1,2])", "JSON object"},
      {R"({"a":)", "JSON object"}};
  for (const auto& [header, word] : bad) {
    EXPECT_NE(error(header, data).find(word), std::string::npos) << header << " -> " << error(header, data);
  }
}

TEST_F(Safetensors, RefusesAHeaderLongerThanTheFile) {
  std::ofstream(path_, std::ios::binary) << std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10);
  EXPECT_THROW(read_safetensors(path_), InvalidInput);
}

}  // namespace
}  // namespace mano
