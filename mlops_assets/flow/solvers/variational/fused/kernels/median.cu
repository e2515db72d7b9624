// The median of each 3 x 3 neighbourhood.

__device__ __forceinline__ void order(float& low, float& high)
{
    const float smaller = fminf(low, high);
    high = fmaxf(low, high);
    low = smaller;
}

// Paeth 1990, Graphics Gems: 19 exchanges leave the median in the middle.
extern "C" __global__ void median(
    const float* __restrict__ from, float* __restrict__ to, int height, int width)
{
    const Pixel pixel = own_pixel(height, width);
    if (!pixel.inside) {
        return;
    }
    const size_t start = blockIdx.z * plane_size(height, width);
    float p[9];
#pragma unroll
    for (int row = 0; row < 3; ++row) {
        const float* line =
            from + start + static_cast<size_t>(clamped(pixel.y + row - 1, height)) * width;
#pragma unroll
        for (int column = 0; column < 3; ++column) {
            p[3 * row + column] = line[clamped(pixel.x + column - 1, width)];
        }
    }
    order(p[1], p[2]), order(p[4], p[5]), order(p[7], p[8]);
    order(p[0], p[1]), order(p[3], p[4]), order(p[6], p[7]);
    order(p[1], p[2]), order(p[4], p[5]), order(p[7], p[8]);
    order(p[0], p[3]), order(p[5], p[8]), order(p[4], p[7]);
    order(p[3], p[6]), order(p[1], p[4]), order(p[2], p[5]);
    order(p[4], p[7]), order(p[4], p[2]), order(p[6], p[4]);
    order(p[4], p[2]);
    to[start + pixel.at] = p[4];
}
