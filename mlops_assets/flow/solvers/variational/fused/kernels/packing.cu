// Flow as `formats.encoding` stores it, up to the last step, which is zstd's: whole steps, halved
// or not; differences to the left neighbour, to the upper one in column 0; zigzag; all low bytes,
// then all high bytes.

#define UNKNOWN_ABOVE 1e9f
#define UNKNOWN_STEP (-32768)

__device__ __forceinline__ bool is_known(float value)
{
    return fabsf(value) <= UNKNOWN_ABOVE; // false for NaN
}

// The value to store at (x, y) of a plane of full size: the pixel, or the mean of the known ones
// of its 2 x 2 block; NaN where there is none.
__device__ __forceinline__ float stored_value(
    const float* plane, int x, int y, int height, int width, int halved)
{
    if (!halved) {
        return plane[static_cast<size_t>(y) * width + x];
    }
    float sum = 0.0f, count = 0.0f;
    for (int row = 2 * y; row < min(2 * y + 2, height); ++row) {
        for (int column = 2 * x; column < min(2 * x + 2, width); ++column) {
            const float value = plane[static_cast<size_t>(row) * width + column];
            sum += is_known(value) ? value : 0.0f;
            count += is_known(value) ? 1.0f : 0.0f;
        }
    }
    return sum / count;
}

__device__ __forceinline__ int whole_steps(float value, float step)
{
    const float scaled = rintf(value / step);
    return fabsf(scaled) < 32768.0f ? static_cast<int>(scaled) : UNKNOWN_STEP;
}

// flow: (B * unit, 2, height, width), of which every unit-th field is packed; packed: (B, 2 planes
// of bytes, 2 components, stored_height, stored_width).
extern "C" __global__ void pack(const float* __restrict__ flow, unsigned char* __restrict__ packed,
    int height, int width, int unit, int halved, float step)
{
    const int stored_height = (height + halved) >> halved;
    const int stored_width = (width + halved) >> halved;
    const Pixel pixel = own_pixel(stored_height, stored_width);
    if (!pixel.inside) {
        return;
    }
    const size_t pair = blockIdx.z / 2, component = blockIdx.z % 2;
    const float* plane = flow + (2 * unit * pair + component) * plane_size(height, width);
    const int x = pixel.x, y = pixel.y;
    const int own = whole_steps(stored_value(plane, x, y, height, width, halved), step);
    int predicted = 0;
    if (x > 0) {
        predicted = whole_steps(stored_value(plane, x - 1, y, height, width, halved), step);
    } else if (y > 0) {
        predicted = whole_steps(stored_value(plane, x, y - 1, height, width, halved), step);
    }
    const int difference = static_cast<short>(own - predicted);
    const unsigned zigzag = static_cast<unsigned>(2 * difference) ^ (difference < 0 ? ~0u : 0u);
    const size_t stored = plane_size(stored_height, stored_width);
    unsigned char* low = packed + 4 * pair * stored + component * stored + pixel.at;
    low[0] = static_cast<unsigned char>(zigzag);
    low[2 * stored] = static_cast<unsigned char>(zigzag >> 8);
}
