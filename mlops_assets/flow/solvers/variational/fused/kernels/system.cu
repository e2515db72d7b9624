// The linear equations of one update. Derivatives live in shared memory only.

#define SYSTEM_HALO 4
#define SYSTEM_WIDE (SYSTEM_TILE + 2 * SYSTEM_HALO)
#define SLOPE_HALO 2
#define SLOPE_WIDE (SYSTEM_TILE + 2 * SLOPE_HALO)
#define ROBUST_WIDE (SYSTEM_TILE + 1)

struct Energy {
    float half_smoothness, gradient, brightness, data_width_squared, flow_width_squared,
        gradient_floor_squared, per_edge_contrast_squared, per_outlier_contrast_squared;
};

// First derivative by five points, (1, -8, 0, 8, -1) / 12; `step` to the next value.
__device__ __forceinline__ float slope(const float* value, int step)
{
    return (8.0f * (value[step] - value[-step]) - (value[2 * step] - value[-2 * step]))
        * (1.0f / 12.0f);
}

// Squared gradient of one component from the differences to all four neighbours, 0 across the
// border.
__device__ __forceinline__ float variation(const float* flow, int x, int y, int height, int width)
{
    const float* own = flow + static_cast<size_t>(y) * width + x;
    const float right = x + 1 < width ? own[1] - own[0] : 0.0f;
    const float left = x > 0 ? own[0] - own[-1] : 0.0f;
    const float lower = y + 1 < height ? own[width] - own[0] : 0.0f;
    const float upper = y > 0 ? own[0] - own[-width] : 0.0f;
    return 0.5f * ((right * right + left * left) + (lower * lower + upper * upper));
}

// 1 inside the picture, falling to 0 one pixel outside.
__device__ __forceinline__ float visibility(float position, int length)
{
    const float inside = clamped(position, 0.0f, static_cast<float>(length - 1));
    return clamped(1.0f - fabsf(position - inside), 0.0f, 1.0f);
}

// Smoothness between two neighbours: weak where the flow breaks, weaker across a picture's edge.
__device__ __forceinline__ float tie(
    float robust, float other_robust, float level, float other_level, float per_contrast_squared)
{
    const float contrast = other_level - level;
    return (other_robust + robust) / (1.0f + contrast * contrast * per_contrast_squared);
}

// A block makes the equations of SYSTEM_TILE x SYSTEM_TILE pixels.
// pictures: one level of every frame; pairs: (B, 2) indices; warped: (B, h, w), the second
// pictures looked up at `start`; start, flow: (B, 2, h, w); equations: (B, 7, h, w): a11, a12,
// a22, b1, b2 and the ties to the right and the lower neighbour.
extern "C" __global__ void __launch_bounds__(SYSTEM_TILE * SYSTEM_BLOCK_Y)
    system_equations(const float* __restrict__ pictures, const int* __restrict__ pairs,
        const float* __restrict__ warped, const float* __restrict__ start,
        const float* __restrict__ flow, float* __restrict__ equations, int height, int width,
        const Energy* __restrict__ energy)
{
    __shared__ float mean[SYSTEM_WIDE][SYSTEM_WIDE];
    __shared__ float difference[SYSTEM_WIDE][SYSTEM_WIDE];
    __shared__ float slope_x[SLOPE_WIDE][SLOPE_WIDE];
    __shared__ float slope_y[SLOPE_WIDE][SLOPE_WIDE];
    __shared__ float robust[ROBUST_WIDE][ROBUST_WIDE];

    const int left = blockIdx.x * SYSTEM_TILE, top = blockIdx.y * SYSTEM_TILE;
    const int thread = threadIdx.y * SYSTEM_TILE + threadIdx.x;
    const int threads = SYSTEM_TILE * SYSTEM_BLOCK_Y;
    const size_t size = plane_size(height, width);
    const float* first = pictures + pairs[2 * blockIdx.z] * size;
    const float* second = warped + blockIdx.z * size;
    const float *start_u = start + 2 * blockIdx.z * size, *start_v = start_u + size;
    const float *flow_u = flow + 2 * blockIdx.z * size, *flow_v = flow_u + size;

    for (int cell = thread; cell < SYSTEM_WIDE * SYSTEM_WIDE; cell += threads) {
        const int row = cell / SYSTEM_WIDE, column = cell % SYSTEM_WIDE;
        const size_t at = static_cast<size_t>(clamped(top + row - SYSTEM_HALO, height)) * width
            + clamped(left + column - SYSTEM_HALO, width);
        mean[row][column] = 0.5f * (first[at] + second[at]);
        difference[row][column] = second[at] - first[at];
    }
    for (int cell = thread; cell < ROBUST_WIDE * ROBUST_WIDE; cell += threads) {
        const int row = cell / ROBUST_WIDE, column = cell % ROBUST_WIDE;
        const int x = left + column, y = top + row;
        if (x < width && y < height) {
            const float both =
                variation(flow_u, x, y, height, width) + variation(flow_v, x, y, height, width);
            robust[row][column] =
                energy->half_smoothness / sqrtf(both + energy->flow_width_squared);
        }
    }
    __syncthreads();
    for (int cell = thread; cell < SLOPE_WIDE * SLOPE_WIDE; cell += threads) {
        // Beyond a border its slope repeats, not the slope of the repeated picture.
        const int row = cell / SLOPE_WIDE, column = cell % SLOPE_WIDE;
        const int y = clamped(top + row - SLOPE_HALO, height) - top + SYSTEM_HALO;
        const int x = clamped(left + column - SLOPE_HALO, width) - left + SYSTEM_HALO;
        slope_x[row][column] = slope(&mean[y][x], 1);
        slope_y[row][column] = slope(&mean[y][x], SYSTEM_WIDE);
    }
    __syncthreads();

    const int column = threadIdx.x, image_x = left + column;
    for (int row = threadIdx.y; row < SYSTEM_TILE; row += SYSTEM_BLOCK_Y) {
        const int image_y = top + row;
        if (image_x >= width || image_y >= height) {
            continue;
        }
        const size_t at = static_cast<size_t>(image_y) * width + image_x;
        const float* own_x = &slope_x[row + SLOPE_HALO][column + SLOPE_HALO];
        const float* own_y = &slope_y[row + SLOPE_HALO][column + SLOPE_HALO];
        const float* own_t = &difference[row + SYSTEM_HALO][column + SYSTEM_HALO];
        const float x = *own_x, y = *own_y, t = *own_t;
        const float xx = slope(own_x, 1), xy = slope(own_x, SLOPE_WIDE);
        const float yy = slope(own_y, SLOPE_WIDE);
        const float xt = slope(own_t, 1), yt = slope(own_t, SYSTEM_WIDE);

        const float u0 = start_u[at], v0 = start_v[at];
        const float du = flow_u[at] - u0, dv = flow_v[at] - v0;
        const float floor_squared = energy->gradient_floor_squared;
        const float per_t = 1.0f / (x * x + y * y + floor_squared);
        const float per_x = 1.0f / (xx * xx + xy * xy + floor_squared);
        const float per_y = 1.0f / (xy * xy + yy * yy + floor_squared);
        const float off_t = t + x * du + y * dv;
        const float off_x = xt + xx * du + xy * dv;
        const float off_y = yt + xy * du + yy * dv;
        const float outlier =
            1.0f + (off_x * off_x + off_y * off_y) * energy->per_outlier_contrast_squared;
        const float w_t = energy->brightness * per_t
            / (sqrtf(off_t * off_t * per_t + energy->data_width_squared) * outlier);
        const float off = off_x * off_x * per_x + off_y * off_y * per_y;
        const float w = energy->gradient / (sqrtf(off + energy->data_width_squared) * outlier);
        const float w_x = w * per_x, w_y = w * per_y;

        const float seen = visibility(static_cast<float>(image_x) + u0, width)
            * visibility(static_cast<float>(image_y) + v0, height);
        const float a11 = (w_t * x * x + w_x * xx * xx + w_y * xy * xy) * seen;
        const float a12 = (w_t * x * y + w_x * xx * xy + w_y * xy * yy) * seen;
        const float a22 = (w_t * y * y + w_x * xy * xy + w_y * yy * yy) * seen;
        const float c1 = w_t * t * x + w_x * xt * xx + w_y * yt * xy;
        const float c2 = w_t * t * y + w_x * xt * xy + w_y * yt * yy;
        const float per_contrast = energy->per_edge_contrast_squared;

        float* own = equations + 7 * blockIdx.z * size + at;
        own[0 * size] = a11;
        own[1 * size] = a12;
        own[2 * size] = a22;
        own[3 * size] = a11 * u0 + a12 * v0 - c1 * seen;
        own[4 * size] = a12 * u0 + a22 * v0 - c2 * seen;
        own[5 * size] = image_x + 1 == width ? 0.0f
                                             : tie(robust[row][column], robust[row][column + 1],
                                                   first[at], first[at + 1], per_contrast);
        own[6 * size] = image_y + 1 == height ? 0.0f
                                              : tie(robust[row][column], robust[row + 1][column],
                                                    first[at], first[at + width], per_contrast);
    }
}
