// Pictures at falling sizes: blur down the columns, blur along the rows, interpolate.

// Gaussian along one axis. taps: centre first, taps[radius] last.
template <typename Value>
__device__ __forceinline__ float blurred(
    const Value* line, int index, int length, size_t stride, const float* taps, int radius)
{
    float total = static_cast<float>(line[index * stride]) * taps[0];
    for (int offset = 1; offset <= radius; ++offset) {
        const float before = line[clamped(index - offset, length) * stride];
        const float after = line[clamped(index + offset, length) * stride];
        total += taps[offset] * (before + after);
    }
    return total;
}

extern "C" __global__ void blur_down_bytes(const unsigned char* __restrict__ frames,
    float* __restrict__ planes, const float* __restrict__ taps, int radius, int height, int width)
{
    const Pixel pixel = own_pixel(height, width);
    if (pixel.inside) {
        const size_t start = blockIdx.z * plane_size(height, width);
        planes[start + pixel.at] =
            blurred(frames + start + pixel.x, pixel.y, height, width, taps, radius);
    }
}

extern "C" __global__ void blur_down(const float* __restrict__ from, float* __restrict__ to,
    const float* __restrict__ taps, int radius, int height, int width)
{
    const Pixel pixel = own_pixel(height, width);
    if (pixel.inside) {
        const size_t start = blockIdx.z * plane_size(height, width);
        to[start + pixel.at] =
            blurred(from + start + pixel.x, pixel.y, height, width, taps, radius);
    }
}

extern "C" __global__ void blur_across(const float* __restrict__ from, float* __restrict__ to,
    const float* __restrict__ taps, int radius, int height, int width)
{
    const Pixel pixel = own_pixel(height, width);
    if (pixel.inside) {
        const size_t start = blockIdx.z * plane_size(height, width);
        const size_t row = start + static_cast<size_t>(pixel.y) * width;
        to[start + pixel.at] = blurred(from + row, pixel.x, width, 1, taps, radius);
    }
}

// Two neighbours along one axis and the share of the second.
struct Between {
    int low, high;
    float share;
};

__device__ __forceinline__ Between between(int index, int old_length, float old_per_new)
{
    float position = (static_cast<float>(index) + 0.5f) * old_per_new - 0.5f;
    position = clamped(position, 0.0f, static_cast<float>(old_length - 1));
    const int low = min(static_cast<int>(floorf(position)), max(old_length - 2, 0));
    return {low, min(low + 1, old_length - 1), position - static_cast<float>(low)};
}

// Bilinear, between pixel centres. Even planes are then multiplied by `even_scale`, odd ones by
// `odd_scale`: 1 for pictures; for flow, where u and v take turns, what the picture grows by.
extern "C" __global__ void resize(const float* __restrict__ from, float* __restrict__ to,
    int old_height, int old_width, int height, int width, float old_per_new_y, float old_per_new_x,
    float even_scale, float odd_scale)
{
    const Pixel pixel = own_pixel(height, width);
    if (!pixel.inside) {
        return;
    }
    const Between rows = between(pixel.y, old_height, old_per_new_y);
    const Between columns = between(pixel.x, old_width, old_per_new_x);
    const float* plane = from + blockIdx.z * plane_size(old_height, old_width);
    const float* upper = plane + static_cast<size_t>(rows.low) * old_width;
    const float* lower = plane + static_cast<size_t>(rows.high) * old_width;
    const float before =
        upper[columns.low] + rows.share * (lower[columns.low] - upper[columns.low]);
    const float after =
        upper[columns.high] + rows.share * (lower[columns.high] - upper[columns.high]);
    const float scale = blockIdx.z % 2 == 0 ? even_scale : odd_scale;
    to[blockIdx.z * plane_size(height, width) + pixel.at] =
        (before + columns.share * (after - before)) * scale;
}
