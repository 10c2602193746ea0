#include "apps/ensemble/sample_store.hpp"

#include <algorithm>
#include <cstring>
#include <fstream>

#include "core/error.hpp"
#include "datagen/content_hash.hpp"
#include "datagen/dataset.hpp"

namespace mano {

namespace fs = std::filesystem;

namespace {

struct Header {
  std::uint64_t magic, stream, block, samples, numbers;  // numbers: doubles that follow
  double field, fine, coarse;
};
constexpr std::uint64_t kMagic = 0x314c424d45534e45;  // "ENSEMBL1"

}  // namespace

void SampleStore::append(const Term& term, std::uint64_t block, const std::vector<TermValues>& values) {
  Header header{kMagic, term.stream(), block, values.size(), 0, 0.0, 0.0, 0.0};
  std::vector<double> numbers;
  for (const TermValues& v : values) {
    for (std::size_t q = 0; q < v.fine.size(); ++q) {
      numbers.push_back(v.fine[q]);
      if (term.coarse) numbers.push_back(v.coarse[q]);
    }
    header.field += v.seconds_field;
    header.fine += v.seconds_fine;
    header.coarse += v.seconds_coarse;
  }
  header.numbers = numbers.size();
  std::string bytes(reinterpret_cast<const char*>(&header), sizeof(header));
  bytes.append(reinterpret_cast<const char*>(numbers.data()), numbers.size() * sizeof(double));
  const std::uint64_t hash = text_hash(bytes);
  bytes.append(reinterpret_cast<const char*>(&hash), sizeof(hash));
  const fs::path path = folder_ / fmt::format("samples-{}.bin", rank_);
  const std::uint64_t end = positions_[path.string()];
  if (fs::exists(path) && fs::file_size(path) > end) fs::resize_file(path, end);  // what a kill cut off
  std::ofstream out(path, std::ios::app | std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  if (!out) throw RunFailed(fmt::format("cannot write {}: is the disk full?", path.string()));
  std::size_t at = 0;
  read_block(bytes, at);
  positions_[path.string()] = end + bytes.size();
}

void SampleStore::read() {
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(folder_)) {
    if (entry.path().extension() == ".bin") files.push_back(entry.path());
  }
  for (const fs::path& path : files) read_file(path);
}

void SampleStore::read_file(const fs::path& path) {
  std::uint64_t& position = positions_[path.string()];
  if (fs::file_size(path) <= position) return;
  std::ifstream in(path, std::ios::binary);
  in.seekg(static_cast<std::streamoff>(position));
  const std::string bytes((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  std::size_t at = 0;
  while (read_block(bytes, at)) {
  }
  position += at;
}

// The block at `at`, which then is behind it; false where it is not whole.
bool SampleStore::read_block(const std::string& bytes, std::size_t& at) {
  Header h{};
  if (bytes.size() < at + sizeof(h)) return false;
  std::memcpy(&h, bytes.data() + at, sizeof(h));
  if (h.magic != kMagic || h.numbers > (bytes.size() - at) / sizeof(double)) return false;
  const std::size_t size = sizeof(h) + h.numbers * sizeof(double);
  std::uint64_t hash = 0;
  if (bytes.size() < at + size + sizeof(hash)) return false;
  std::memcpy(&hash, bytes.data() + at + size, sizeof(hash));
  if (hash != text_hash(bytes.substr(at, size))) return false;
  Block block{.samples = h.samples, .seconds = {h.samples, h.field, h.fine, h.coarse}};
  block.values.resize(h.numbers);
  std::memcpy(block.values.data(), bytes.data() + at + sizeof(h), h.numbers * sizeof(double));
  TermBlocks& term = terms_[h.stream];
  term.blocks[h.block] = std::move(block);
  term.joined.clear();
  at += size + sizeof(hash);
  return true;
}

bool SampleStore::has(const Term& term, std::uint64_t block) const {
  const auto found = terms_.find(term.stream());
  return found != terms_.end() && found->second.blocks.contains(block);
}

const std::vector<LevelSamples>& SampleStore::values(const Term& term, int quantities, std::uint64_t end) {
  TermBlocks& all = terms_[term.stream()];
  if (all.joined_to == end && !all.joined.empty()) return all.joined;
  all.joined.assign(quantities, {});
  for (const auto& [number, block] : all.blocks) {
    if (number >= end) break;
    const double* value = block.values.data();
    for (std::size_t s = 0; s < block.samples; ++s) {
      for (LevelSamples& q : all.joined) {
        q.fine.push_back(*value++);
        if (term.coarse) q.coarse.push_back(*value++);
      }
    }
  }
  all.joined_to = end;
  return all.joined;
}

TermSeconds SampleStore::seconds(const Term& term) const {
  TermSeconds sum;
  const auto found = terms_.find(term.stream());
  if (found == terms_.end()) return sum;
  for (const auto& [number, block] : found->second.blocks) sum.add(block.seconds);
  return sum;
}

TermSeconds SampleStore::seconds() const {
  TermSeconds sum;
  for (const auto& [stream, term] : terms_) {
    for (const auto& [number, block] : term.blocks) sum.add(block.seconds);
  }
  return sum;
}

}  // namespace mano
