#include "surrogate/kernels/attention.hpp"

#include "core/error.hpp"
#include "surrogate/kernels/cuda_attention.hpp"
#include "surrogate/kernels/parallel.hpp"
#include "surrogate/kernels/token_kernels.hpp"
#include "surrogate/kernels/torch.hpp"

namespace mano {

namespace {

using torch::Tensor;

AttentionShape shape_of(const Tensor& qkv, int window, int stride) {
  const auto size = [&](int dim) { return static_cast<int>(qkv.size(dim)); };
  return {size(0), size(1), size(2), size(4), size(5), window, stride};
}

// call(a number of the kernels' type) for the type of a tensor on the CPU.
template <typename Call>
void with_type(const Tensor& t, Call call) {
  switch (t.scalar_type()) {
    case torch::kFloat64:
      return call(double());
    case torch::kBFloat16:
      return call(BFloat16());
    default:
      check(t.scalar_type() == torch::kFloat32, "attention of {}; expected float32, float64 or bfloat16",
            c10::toString(t.scalar_type()));
      return call(float());
  }
}

// body(kernels, first token, begin, end, continued, scratch) for the rows of all images.
template <typename S, typename Body>
void for_image_rows(const AttentionShape& s, const Body& body) {
  const auto& kernels = token_kernels<S>();
  struct Memory {
    Buffer<Sum<S>> scratch;
  };
  for_pieces<Memory>(static_cast<std::int64_t>(s.batch) * s.height, s.width,
                     [&](Memory& memory, std::int64_t first, std::int64_t last, bool begins) {
                       auto* scratch =
                           memory.scratch.get(static_cast<std::int64_t>(kernels.attention_scratch(s)));
                       for_images(s.height, first, last, [&](int image, int begin, int end) {
                         body(kernels, static_cast<std::int64_t>(image) * s.height * s.width, begin, end,
                              begin > 0 && !begins, scratch);
                       });
                     });
}

DeviceType device_type(const Tensor& t) {
  check(t.scalar_type() == torch::kFloat32 || t.scalar_type() == torch::kBFloat16,
        "attention of {} on a GPU; expected float32 or bfloat16", c10::toString(t.scalar_type()));
  return t.scalar_type() == torch::kBFloat16 ? DeviceType::bfloat16 : DeviceType::float32;
}

class AttentionNode : public torch::autograd::Function<AttentionNode> {
 public:
  static Tensor forward(torch::autograd::AutogradContext* context, const Tensor& given, std::int64_t window,
                        std::int64_t stride) {
    const Tensor qkv = given.contiguous();
    const AttentionShape s = shape_of(qkv, static_cast<int>(window), static_cast<int>(stride));
    const Tensor out = torch::empty({s.batch, s.height, s.width, s.heads, s.dim_head}, qkv.options());
    if (qkv.is_cuda()) {
      cuda_attention(s, device_type(qkv), qkv.data_ptr(), out.data_ptr());
    } else {
      with_type(qkv, [&](auto number) {
        using S = decltype(number);
        const std::int64_t inner = static_cast<std::int64_t>(s.heads) * s.dim_head;
        for_image_rows<S>(
            s, [&](const auto& kernels, std::int64_t token, int begin, int end, bool, auto* scratch) {
              kernels.attention(s, begin, end, static_cast<const S*>(qkv.data_ptr()) + token * 3 * inner,
                                static_cast<S*>(out.data_ptr()) + (token + begin * s.width) * inner, scratch);
            });
      });
    }
    context->save_for_backward({qkv});
    context->saved_data["window"] = window;
    context->saved_data["stride"] = stride;
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& d) {
    const Tensor qkv = context->get_saved_variables()[0];
    const AttentionShape s = shape_of(qkv, static_cast<int>(context->saved_data["window"].toInt()),
                                      static_cast<int>(context->saved_data["stride"].toInt()));
    const Tensor d_out = d[0].to(qkv.scalar_type()).contiguous();
    const Tensor d_qkv = torch::empty_like(qkv);
    if (qkv.is_cuda()) {
      const Tensor scratch = torch::empty({cuda_attention_scratch(s)}, qkv.options().dtype(torch::kFloat32));
      cuda_attention_backward(s, device_type(qkv), qkv.data_ptr(), d_out.data_ptr(), d_qkv.data_ptr(),
                              scratch.data_ptr<float>());
    } else {
      with_type(qkv, [&](auto number) {
        using S = decltype(number);
        const std::int64_t inner = static_cast<std::int64_t>(s.heads) * s.dim_head;
        for_image_rows<S>(s, [&](const auto& kernels, std::int64_t token, int begin, int end, bool continued,
                                 auto* scratch) {
          kernels.attention_backward(
              s, begin, end, continued, static_cast<const S*>(qkv.data_ptr()) + token * 3 * inner,
              static_cast<const S*>(d_out.data_ptr()) + token * inner,
              static_cast<S*>(d_qkv.data_ptr()) + (token + begin * s.width) * 3 * inner, scratch);
        });
      });
    }
    return {d_qkv, Tensor(), Tensor()};
  }
};

}  // namespace

Tensor overlapping_attention(const Tensor& qkv, int window, int stride) {
  return AttentionNode::apply(qkv, static_cast<std::int64_t>(window), static_cast<std::int64_t>(stride));
}

Tensor covered_tokens(int height, int width, int window, int stride, const torch::TensorOptions& options) {
  const auto along = [&](int size) {
    // Made on the device: nothing has to be brought there.
    const auto covered = torch::zeros({size}, options.dtype(torch::kFloat32));
    for (int origin = 0; origin + window <= size; origin += stride)
      covered.narrow(0, origin, window).fill_(1);
    return covered;
  };
  return (along(height).view({height, 1, 1}) * along(width).view({1, width, 1})).to(options);
}

}  // namespace mano
