#pragma once
// One chunk of a dataset as HDF5's filters shuffle, deflate and Fletcher-32 leave it, so that every HDF5 library reads it.
//
// HDF5 would do the same by zlib, several times slower. Here the bytes of the mantissa that are noise, which no compressor
// makes smaller, are passed through as stored blocks of the same stream, and libdeflate compresses the rest.

#include <cstddef>
#include <vector>

namespace mano {

/// `bytes` of values of `width` bytes each, ready for H5Dwrite_chunk() with no filter masked out.
class ChunkCodec {
 public:
  ChunkCodec();
  ~ChunkCodec();
  const std::vector<unsigned char>& encode(const void* values, std::size_t bytes, std::size_t width);

 private:
  void append_deflated(std::size_t begin, std::size_t end);

  void* compressor_;  // libdeflate_compressor
  std::vector<unsigned char> shuffled_;
  std::vector<unsigned char> encoded_;
};

}  // namespace mano
