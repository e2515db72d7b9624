// Where each small square of the first picture reappears, however far. Whole numbers but for the
// last line, so that every program finds the same matches. A key is a cost and, in its low
// RANK_BITS, the rank of its displacement: the least key is the cheapest displacement, the
// shortest of equal ones.

#define OUTSIDE_COST 12
#define NEVER (1 << 30)
#define MATCH_WIDE (MATCH_BLOCK_X + 2 * MOST_WINDOW_CELLS)
#define MATCH_HIGH (MATCH_BLOCK_Y + 2 * MOST_WINDOW_CELLS)

// frames: (N, height, width); sums: (N, rows, columns), of the pixels of each cell; a picture's
// last pixels repeat to fill the last cells.
extern "C" __global__ void sum_cells(const unsigned char* __restrict__ frames,
    int* __restrict__ sums, int height, int width, int rows, int columns, int cell_px)
{
    const Pixel cell = own_pixel(rows, columns);
    if (!cell.inside) {
        return;
    }
    const unsigned char* frame = frames + blockIdx.z * plane_size(height, width);
    int sum = 0;
    for (int row = 0; row < cell_px; ++row) {
        const unsigned char* line =
            frame + static_cast<size_t>(clamped(cell.y * cell_px + row, height)) * width;
        for (int column = 0; column < cell_px; ++column) {
            sum += line[clamped(cell.x * cell_px + column, width)];
        }
    }
    sums[blockIdx.z * plane_size(rows, columns) + cell.at] = sum;
}

// descriptions: (N, rows, columns), a bit for each brighter neighbour of 5 x 5 and one for each
// darker.
extern "C" __global__ void describe_cells(const int* __restrict__ sums,
    unsigned long long* __restrict__ descriptions, int rows, int columns, int dead_zone)
{
    const Pixel cell = own_pixel(rows, columns);
    if (!cell.inside) {
        return;
    }
    const int* plane = sums + blockIdx.z * plane_size(rows, columns);
    const int own = plane[cell.at];
    unsigned long long bits = 0;
    for (int row = -2; row <= 2; ++row) {
        for (int column = -2; column <= 2; ++column) {
            const int difference =
                plane[clamped(cell.y + row, rows) * columns + clamped(cell.x + column, columns)]
                - own;
            bits = bits << 2 | (difference > dead_zone ? 1u : 0u)
                | (difference < -dead_zone ? 2u : 0u);
        }
    }
    descriptions[blockIdx.z * plane_size(rows, columns) + cell.at] = bits;
}

// A block costs one row of displacements for MATCH_BLOCK_X x MATCH_BLOCK_Y cells. blockIdx.y
// counts rows of displacements within rows of tiles; blockIdx.z counts the pairs of a group.
// costs: (group, side * side, rows, columns), side = 2 radius + 1: differing bits, added up over
// a window of cells; beyond a border its cell counts again.
extern "C" __global__ void __launch_bounds__(MATCH_BLOCK_X * MATCH_BLOCK_Y)
    match_costs(const unsigned long long* __restrict__ descriptions, const int* __restrict__ pairs,
        unsigned short* __restrict__ costs, int first_pair, int rows, int columns, int radius,
        int window)
{
    __shared__ int raw[MATCH_HIGH][MATCH_WIDE];
    __shared__ int sums[MATCH_HIGH][MATCH_BLOCK_X];

    const int side = 2 * radius + 1;
    const int left = blockIdx.x * MATCH_BLOCK_X;
    const int top = blockIdx.y / side * MATCH_BLOCK_Y;
    const int down = static_cast<int>(blockIdx.y) % side - radius;
    const int high = MATCH_BLOCK_Y + 2 * window, wide = MATCH_BLOCK_X + 2 * window;
    const int thread = threadIdx.y * MATCH_BLOCK_X + threadIdx.x;
    const int threads = MATCH_BLOCK_X * MATCH_BLOCK_Y;
    const int pair = first_pair + blockIdx.z;
    const size_t size = plane_size(rows, columns);
    const unsigned long long* first = descriptions + pairs[2 * pair] * size;
    const unsigned long long* second = descriptions + pairs[2 * pair + 1] * size;
    unsigned short* planes =
        costs + (static_cast<size_t>(blockIdx.z) * side + down + radius) * side * size;

    for (int right = -radius; right <= radius; ++right) {
        for (int cell = thread; cell < high * MATCH_WIDE; cell += threads) {
            const int row = cell / MATCH_WIDE, column = cell % MATCH_WIDE;
            if (column >= wide) {
                continue;
            }
            const int y = clamped(top + row - window, rows);
            const int x = clamped(left + column - window, columns);
            const bool inside =
                y + down >= 0 && y + down < rows && x + right >= 0 && x + right < columns;
            raw[row][column] = inside
                ? __popcll(first[y * columns + x] ^ second[(y + down) * columns + x + right])
                : OUTSIDE_COST;
        }
        __syncthreads();
        for (int cell = thread; cell < high * MATCH_BLOCK_X; cell += threads) {
            const int row = cell / MATCH_BLOCK_X, column = cell % MATCH_BLOCK_X;
            int sum = 0;
            for (int offset = 0; offset <= 2 * window; ++offset) {
                sum += raw[row][column + offset];
            }
            sums[row][column] = sum;
        }
        __syncthreads();
        const int x = left + threadIdx.x, y = top + threadIdx.y;
        if (x < columns && y < rows) {
            int total = 0;
            for (int offset = 0; offset <= 2 * window; ++offset) {
                total += sums[threadIdx.y + offset][threadIdx.x];
            }
            planes[(right + radius) * size + y * columns + x] = static_cast<unsigned short>(total);
        }
    }
}

// A block serves MATCH_BLOCK_X cells of a row; its MATCH_BLOCK_Y rows of threads share out the
// displacements. Afterwards every thread of a column has the least of their keys.
__device__ __forceinline__ int least_of_column(int key, int (*shared)[MATCH_BLOCK_X])
{
    shared[threadIdx.y][threadIdx.x] = key;
    __syncthreads();
    for (int row = 0; row < MATCH_BLOCK_Y; ++row) {
        key = min(key, shared[row][threadIdx.x]);
    }
    __syncthreads();
    return key;
}

// best: (group, rows, columns), the least key of each cell of the first picture; back: the same of
// each cell of the second, over all cells that may have come there. ranks: (side * side).
extern "C" __global__ void __launch_bounds__(MATCH_BLOCK_X * MATCH_BLOCK_Y)
    match_keys(const unsigned short* __restrict__ costs, const int* __restrict__ ranks,
        int* __restrict__ best, int* __restrict__ back, int rows, int columns, int radius)
{
    __shared__ int shared[MATCH_BLOCK_Y][MATCH_BLOCK_X];

    const int side = 2 * radius + 1;
    const int x = blockIdx.x * MATCH_BLOCK_X + threadIdx.x, y = blockIdx.y;
    const size_t size = plane_size(rows, columns);
    const unsigned short* planes = costs + static_cast<size_t>(blockIdx.z) * side * side * size;
    int forward_key = NEVER, back_key = NEVER;
    for (int down = -radius + static_cast<int>(threadIdx.y); down <= radius;
        down += MATCH_BLOCK_Y) {
        for (int right = -radius; right <= radius; ++right) {
            const int place = (down + radius) * side + right + radius;
            const int from_x = x - right, from_y = y - down;
            if (x < columns) {
                const int cost = planes[place * size + y * columns + x];
                forward_key = min(forward_key, (cost << RANK_BITS) + ranks[place]);
            }
            if (from_x >= 0 && from_x < columns && from_y >= 0 && from_y < rows) {
                const int cost = planes[place * size + from_y * columns + from_x];
                back_key = min(back_key, (cost << RANK_BITS) + ranks[place]);
            }
        }
    }
    forward_key = least_of_column(forward_key, shared);
    back_key = least_of_column(back_key, shared);
    if (threadIdx.y == 0 && x < columns) {
        best[blockIdx.z * size + y * columns + x] = forward_key;
        back[blockIdx.z * size + y * columns + x] = back_key;
    }
}

// matches: (B, 3, rows, columns): u and v in cells, confidence 0 to 1: by how much worse the best
// of the displacements more than one cell away is, and 0 where the way back does not return to
// within one cell. places: (side * side), the displacement of a rank.
extern "C" __global__ void __launch_bounds__(MATCH_BLOCK_X * MATCH_BLOCK_Y)
    match_confidence(const unsigned short* __restrict__ costs, const int* __restrict__ ranks,
        const int* __restrict__ places, const int* __restrict__ best, const int* __restrict__ back,
        float* __restrict__ matches, int first_pair, int rows, int columns, int radius,
        float uniqueness)
{
    __shared__ int shared[MATCH_BLOCK_Y][MATCH_BLOCK_X];

    const int side = 2 * radius + 1, rank_mask = (1 << RANK_BITS) - 1;
    const int x = blockIdx.x * MATCH_BLOCK_X + threadIdx.x, y = blockIdx.y;
    const size_t size = plane_size(rows, columns);
    const unsigned short* planes = costs + static_cast<size_t>(blockIdx.z) * side * side * size;
    best += blockIdx.z * size;
    back += blockIdx.z * size;
    const int key = x < columns ? best[y * columns + x] : 0;
    const int own = places[key & rank_mask];
    const int own_down = own / side - radius, own_right = own % side - radius;

    int next_key = NEVER;
    for (int down = -radius + static_cast<int>(threadIdx.y); down <= radius;
        down += MATCH_BLOCK_Y) {
        for (int right = -radius; right <= radius; ++right) {
            const int place = (down + radius) * side + right + radius;
            const bool is_apart = abs(down - own_down) > 1 || abs(right - own_right) > 1;
            if (x < columns && is_apart) {
                const int cost = planes[place * size + y * columns + x];
                next_key = min(next_key, (cost << RANK_BITS) + ranks[place]);
            }
        }
    }
    next_key = least_of_column(next_key, shared);
    if (threadIdx.y != 0 || x >= columns) {
        return;
    }
    bool is_confirmed = false;
    const int to_x = x + own_right, to_y = y + own_down;
    if (to_x >= 0 && to_x < columns && to_y >= 0 && to_y < rows) {
        const int led = places[back[to_y * columns + to_x] & rank_mask];
        is_confirmed =
            abs(led / side - radius - own_down) <= 1 && abs(led % side - radius - own_right) <= 1;
    }
    const int cost = key >> RANK_BITS;
    const float lead = static_cast<float>((next_key >> RANK_BITS) - cost);
    const float scale = static_cast<float>(max(cost, 1)) * uniqueness;
    float* own_match = matches + 3 * (first_pair + blockIdx.z) * size + y * columns + x;
    own_match[0] = static_cast<float>(own_right);
    own_match[size] = static_cast<float>(own_down);
    own_match[2 * size] = is_confirmed ? clamped(lead / scale, 0.0f, 1.0f) : 0.0f;
}

// One more term of the equations, which pulls the flow to where its cell was found. `full_*`: size
// of the pictures; `u_scale`, `v_scale`: pixels of the level that a cell spans.
extern "C" __global__ void pull(const float* __restrict__ matches, const float* __restrict__ flow,
    float* __restrict__ equations, int height, int width, int full_height, int full_width,
    int rows, int columns, int cell_px, float u_scale, float v_scale, float weight,
    float width_squared)
{
    const Pixel pixel = own_pixel(height, width);
    if (!pixel.inside) {
        return;
    }
    const int row = (2 * pixel.y + 1) * full_height / (2 * height * cell_px);
    const int column = (2 * pixel.x + 1) * full_width / (2 * width * cell_px);
    const size_t size = plane_size(height, width), cells = plane_size(rows, columns);
    const float* match = matches + 3 * blockIdx.z * cells + row * columns + column;
    const float match_u = match[0] * u_scale, match_v = match[cells] * v_scale;
    const float* own_flow = flow + 2 * blockIdx.z * size + pixel.at;
    const float du = own_flow[0] - match_u, dv = own_flow[size] - match_v;
    const float pulling = weight * match[2 * cells] / sqrtf(du * du + dv * dv + width_squared);
    float* own = equations + 7 * blockIdx.z * size + pixel.at;
    own[0 * size] += pulling;
    own[2 * size] += pulling;
    own[3 * size] += pulling * match_u;
    own[4 * size] += pulling * match_v;
}
