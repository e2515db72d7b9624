// The second picture, looked up where the flow points.

// Four pixels along one axis and their weights: Catmull-Rom, Keys 1981 with a = -1/2.
struct Taps {
    int index[4];
    float weight[4];
};

__device__ __forceinline__ Taps cubic_taps(float position, int length)
{
    const float inside = clamped(position, 0.0f, static_cast<float>(length - 1));
    const float first = floorf(inside);
    const float t = inside - first;
    const int left = static_cast<int>(first);
    return {
        {clamped(left - 1, length), left, clamped(left + 1, length), clamped(left + 2, length)},
        {0.5f * t * (t * (2.0f - t) - 1.0f), 0.5f * (t * t * (3.0f * t - 5.0f) + 2.0f),
            0.5f * t * (t * (4.0f - 3.0f * t) + 1.0f), 0.5f * t * t * (t - 1.0f)},
    };
}

// pictures: one level of every frame; pairs: (B, 2) indices of frames; flow: (B, 2, h, w).
extern "C" __global__ void warp(const float* __restrict__ pictures, const int* __restrict__ pairs,
    const float* __restrict__ flow, float* __restrict__ warped, int height, int width)
{
    const Pixel pixel = own_pixel(height, width);
    if (!pixel.inside) {
        return;
    }
    const size_t size = plane_size(height, width);
    const float* second = pictures + pairs[2 * blockIdx.z + 1] * size;
    const float* u = flow + 2 * blockIdx.z * size;
    const float* v = u + size;
    const Taps across = cubic_taps(static_cast<float>(pixel.x) + u[pixel.at], width);
    const Taps down = cubic_taps(static_cast<float>(pixel.y) + v[pixel.at], height);
    float total = 0.0f;
    for (int row = 0; row < 4; ++row) {
        const float* values = second + static_cast<size_t>(down.index[row]) * width;
        float line = 0.0f;
        for (int column = 0; column < 4; ++column) {
            line += across.weight[column] * values[across.index[column]];
        }
        total += down.weight[row] * line;
    }
    warped[blockIdx.z * size + pixel.at] = total;
}
