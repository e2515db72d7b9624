// Red-black successive over-relaxation: several sweeps of a tile without leaving the chip.
//
// A sweep changes a pixel from values at most two pixels away, so after `sweeps` of them all
// pixels further than 2 * sweeps from the tile's edge hold what sweeping the whole picture would
// have given, bit for bit. Tiles overlap by that much, and only their insides are written.
//
// A block covers RELAX_TILE x RELAX_TILE pixels. A thread owns RELAX_ROWS rows of two neighbouring
// columns: in a half sweep it changes one pixel of each row, so no lane idles. Equations and
// values of its pixels stay in registers; what other threads need of the values is published in
// shared memory, even and odd columns apart so that a warp reads 32 different banks.

#define RELAX_HALF (RELAX_TILE / 2)

// A value of a plane, 0 outside.
__device__ __forceinline__ float value_at(
    const float* __restrict__ plane, int x, int y, int height, int width)
{
    const bool inside = x >= 0 && x < width && y >= 0 && y < height;
    return inside ? plane[static_cast<size_t>(y) * width + x] : 0.0f;
}

// equations: (B, 7, h, w) of `system_equations`; flow: (B, 2, h, w) before, relaxed: after.
extern "C" __global__ void __launch_bounds__(RELAX_HALF * RELAX_TILE / RELAX_ROWS, 1)
    relax(const float* __restrict__ equations, const float* __restrict__ flow,
        float* __restrict__ relaxed, int height, int width, int sweeps, float relaxation)
{
    // One column and one row more on every side: read, but never of consequence.
    __shared__ float shared_u[2][RELAX_TILE + 2][RELAX_HALF + 2];
    __shared__ float shared_v[2][RELAX_TILE + 2][RELAX_HALF + 2];

    const int halo = 2 * sweeps, inner = RELAX_TILE - 2 * halo;
    const int left = blockIdx.x * inner - halo, top = blockIdx.y * inner - halo;
    const int lane = threadIdx.x, first_row = threadIdx.y * RELAX_ROWS;
    const size_t size = plane_size(height, width);
    const float* planes = equations + 7 * blockIdx.z * size;
    const float *flow_u = flow + 2 * blockIdx.z * size, *flow_v = flow_u + size;

    float u[RELAX_ROWS][2], v[RELAX_ROWS][2], b1[RELAX_ROWS][2], b2[RELAX_ROWS][2];
    float i11[RELAX_ROWS][2], i12[RELAX_ROWS][2], i22[RELAX_ROWS][2];
    float across[RELAX_ROWS][3]; // ties left of, between and right of the two columns
    float down[RELAX_ROWS + 1][2]; // ties above each row, and below the last one
#pragma unroll
    for (int row = 0; row < RELAX_ROWS; ++row) {
#pragma unroll
        for (int side = 0; side < 3; ++side) {
            across[row][side] = value_at(planes + 5 * size, left + 2 * lane + side - 1,
                top + first_row + row, height, width);
        }
    }
#pragma unroll
    for (int row = 0; row <= RELAX_ROWS; ++row) {
#pragma unroll
        for (int side = 0; side < 2; ++side) {
            down[row][side] = value_at(planes + 6 * size, left + 2 * lane + side,
                top + first_row + row - 1, height, width);
        }
    }
#pragma unroll
    for (int row = 0; row < RELAX_ROWS; ++row) {
#pragma unroll
        for (int side = 0; side < 2; ++side) {
            const int x = left + 2 * lane + side, y = top + first_row + row;
            const bool inside = x >= 0 && x < width && y >= 0 && y < height;
            const size_t at = static_cast<size_t>(y) * width + x;
            const float total = (across[row][side] + across[row][side + 1])
                + (down[row][side] + down[row + 1][side]);
            const float a11 = inside ? planes[at] + total : 1.0f;
            const float a12 = inside ? planes[1 * size + at] : 0.0f;
            const float a22 = inside ? planes[2 * size + at] + total : 1.0f;
            const float per_determinant = 1.0f / (a11 * a22 - a12 * a12);
            i11[row][side] = a22 * per_determinant;
            i12[row][side] = -a12 * per_determinant;
            i22[row][side] = a11 * per_determinant;
            b1[row][side] = inside ? planes[3 * size + at] : 0.0f;
            b2[row][side] = inside ? planes[4 * size + at] : 0.0f;
            u[row][side] = inside ? flow_u[at] : 0.0f;
            v[row][side] = inside ? flow_v[at] : 0.0f;
            shared_u[side][first_row + row + 1][lane + 1] = u[row][side];
            shared_v[side][first_row + row + 1][lane + 1] = v[row][side];
        }
    }
    __syncthreads();

    // The tile starts on an even row and column of the picture, so colours are the picture's own.
    for (int sweep = 0; sweep < sweeps; ++sweep) {
#pragma unroll
        for (int colour = 0; colour < 2; ++colour) {
#pragma unroll
            for (int row = 0; row < RELAX_ROWS; ++row) {
                const int side = (row + colour) % 2;
                const int shared_row = first_row + row + 1;
                const int beside = lane + 1 + (side == 0 ? -1 : 1);
                const float far_u = shared_u[1 - side][shared_row][beside];
                const float far_v = shared_v[1 - side][shared_row][beside];
                const float left_u = side == 0 ? far_u : u[row][0];
                const float left_v = side == 0 ? far_v : v[row][0];
                const float right_u = side == 0 ? u[row][1] : far_u;
                const float right_v = side == 0 ? v[row][1] : far_v;
                const float upper_u =
                    row > 0 ? u[max(row - 1, 0)][side] : shared_u[side][shared_row - 1][lane + 1];
                const float upper_v =
                    row > 0 ? v[max(row - 1, 0)][side] : shared_v[side][shared_row - 1][lane + 1];
                const float lower_u = row + 1 < RELAX_ROWS
                    ? u[min(row + 1, RELAX_ROWS - 1)][side]
                    : shared_u[side][shared_row + 1][lane + 1];
                const float lower_v = row + 1 < RELAX_ROWS
                    ? v[min(row + 1, RELAX_ROWS - 1)][side]
                    : shared_v[side][shared_row + 1][lane + 1];

                const float around_u = b1[row][side]
                    + ((across[row][side] * left_u + across[row][side + 1] * right_u)
                        + (down[row][side] * upper_u + down[row + 1][side] * lower_u));
                const float around_v = b2[row][side]
                    + ((across[row][side] * left_v + across[row][side + 1] * right_v)
                        + (down[row][side] * upper_v + down[row + 1][side] * lower_v));
                u[row][side] += relaxation
                    * (i11[row][side] * around_u + i12[row][side] * around_v - u[row][side]);
                v[row][side] += relaxation
                    * (i12[row][side] * around_u + i22[row][side] * around_v - v[row][side]);
                shared_u[side][shared_row][lane + 1] = u[row][side];
                shared_v[side][shared_row][lane + 1] = v[row][side];
            }
            __syncthreads();
        }
    }

    float *relaxed_u = relaxed + 2 * blockIdx.z * size, *relaxed_v = relaxed_u + size;
#pragma unroll
    for (int row = 0; row < RELAX_ROWS; ++row) {
#pragma unroll
        for (int side = 0; side < 2; ++side) {
            const int column = 2 * lane + side, tile_row = first_row + row;
            const int x = left + column, y = top + tile_row;
            const bool is_inner = column >= halo && column < halo + inner && tile_row >= halo
                && tile_row < halo + inner;
            if (is_inner && x < width && y < height) {
                relaxed_u[static_cast<size_t>(y) * width + x] = u[row][side];
                relaxed_v[static_cast<size_t>(y) * width + x] = v[row][side];
            }
        }
    }
}
