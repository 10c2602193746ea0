#include "datagen/chunk_codec.hpp"

#include <libdeflate.h>

#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>
#include <new>

namespace mano {

namespace {

constexpr int kLevel = 1;
constexpr std::size_t kMostStored = 65535;  // bytes in a stored block, RFC 1951
constexpr std::size_t kProbe = 4096;

libdeflate_compressor* of(void* compressor) {
  return static_cast<libdeflate_compressor*>(compressor);
}

// All first bytes, then all second bytes, ...
void shuffle(const unsigned char* from, std::size_t count, std::size_t width, unsigned char* to) {
  for (std::size_t byte = 0; byte < width; ++byte) {
    unsigned char* plane = to + byte * count;
    for (std::size_t i = 0; i < count; ++i) plane[i] = from[i * width + byte];
  }
}

// Of pairs of bytes, high byte first, as HDF5's H5Z_FLETCHER32 computes it.
std::uint32_t fletcher32(const unsigned char* data, std::size_t bytes) {
  std::uint32_t sum1 = 0;
  std::uint32_t sum2 = 0;
  std::size_t words = bytes / 2;
  while (words > 0) {
    const std::size_t block = std::min<std::size_t>(words, 360);  // no overflow before the sums are folded
    for (std::size_t w = 0; w < block; ++w, data += 2) {
      sum1 += static_cast<std::uint32_t>(data[0] << 8 | data[1]);
      sum2 += sum1;
    }
    words -= block;
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  if (bytes % 2 == 1) {
    sum1 += static_cast<std::uint32_t>(*data << 8);
    sum2 += sum1;
    sum1 = (sum1 & 0xffff) + (sum1 >> 16);
    sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  }
  sum1 = (sum1 & 0xffff) + (sum1 >> 16);
  sum2 = (sum2 & 0xffff) + (sum2 >> 16);
  return sum2 << 16 | sum1;
}

void append_stored(std::vector<unsigned char>& out, const unsigned char* data, std::size_t bytes) {
  while (bytes > 0) {
    const std::size_t block = std::min(bytes, kMostStored);
    const auto length = static_cast<unsigned>(block);
    const std::array<unsigned char, 5> header{
        0, static_cast<unsigned char>(length), static_cast<unsigned char>(length >> 8),
        static_cast<unsigned char>(~length), static_cast<unsigned char>(~length >> 8)};
    out.insert(out.end(), header.begin(), header.end());
    out.insert(out.end(), data, data + block);
    data += block;
    bytes -= block;
  }
}

}  // namespace

ChunkCodec::ChunkCodec() : compressor_(libdeflate_alloc_compressor(kLevel)) {
  if (compressor_ == nullptr) throw std::bad_alloc();
}

ChunkCodec::~ChunkCodec() {
  libdeflate_free_compressor(of(compressor_));
}

void ChunkCodec::append_deflated(std::size_t begin, std::size_t end) {
  const std::size_t start = encoded_.size();
  encoded_.resize(start + libdeflate_deflate_compress_bound(of(compressor_), end - begin));
  const std::size_t size = libdeflate_deflate_compress(of(compressor_), shuffled_.data() + begin, end - begin,
                                                       encoded_.data() + start, encoded_.size() - start);
  encoded_.resize(start + size);
}

const std::vector<unsigned char>& ChunkCodec::encode(const void* values, std::size_t bytes,
                                                     std::size_t width) {
  const std::size_t count = bytes / width;
  shuffled_.resize(bytes);
  shuffle(static_cast<const unsigned char*>(values), count, width, shuffled_.data());
  // The lowest bytes of a little-endian number come first: pass over them while a probe says that they are noise.
  std::size_t noise = 0;
  std::array<unsigned char, 2 * kProbe> probe{};
  for (; noise + 1 < width && count >= kProbe; ++noise) {
    const unsigned char* middle = shuffled_.data() + noise * count + (count - kProbe) / 2;
    const std::size_t size =
        libdeflate_deflate_compress(of(compressor_), middle, kProbe, probe.data(), probe.size());
    if (size > 0 && size < kProbe - kProbe / 16) break;
  }
  encoded_.clear();
  encoded_.reserve(bytes + bytes / 8 + 1024);
  encoded_.insert(encoded_.end(), {0x78, 0x01});  // zlib's header, RFC 1950: 32 kB window, fastest
  append_stored(encoded_, shuffled_.data(), noise * count);
  append_deflated(noise * count, bytes);
  const auto append_number = [&](std::uint32_t number, bool big_endian) {
    for (int byte = 0; byte < 4; ++byte)
      encoded_.push_back(static_cast<unsigned char>(number >> 8 * (big_endian ? 3 - byte : byte)));
  };
  append_number(libdeflate_adler32(1, shuffled_.data(), bytes), true);
  append_number(fletcher32(encoded_.data(), encoded_.size()), false);
  return encoded_;
}

}  // namespace mano
