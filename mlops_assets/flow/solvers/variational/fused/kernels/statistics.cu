// What `describing.statistics` says of a flow, up to the last divisions: sums over the pixels of
// each pair, exact order statistics of magnitude, and the vectors on a grid. Nothing depends on
// the order of threads or blocks. Flow must be finite.

// Places in the record of a pair. The first is a maximum, the others are sums.
enum Measure {
    MAX_PX,
    MEAN_PX,
    STATIC,
    STILL,
    MOVING,
    MOVING_PX,
    MOVING_DX,
    MOVING_DY,
    DIVERGENCE,
    CURL,
    PHOTO,
    PHOTO_PIXELS,
    CENSUS_DIFFERING,
    CENSUS_RELATIONS,
    RETURNING,
    ROUND_TRIPS,
    ROUND_TRIP_PX,
    DIRECTIONS,
    MAGNITUDES = DIRECTIONS + 16,
    MEASURES = MAGNITUDES + 16
};

// What counts for one pair; differs with its interval.
struct Limits {
    float static_px, still_px, moving_px, speed_per_px, edges_px[15];
};

#define MEASURE_THREADS (MEASURE_TILE * MEASURE_BLOCK_Y)
#define WARPED_WIDE (MEASURE_TILE + 2)
#define WARPED_HIGH (MEASURE_TILE + 1)
#define NO_LEVEL (-32768)
#define CENSUS_LEVELS 2
#define DIRECTIONS_PER_RADIAN 2.546479089470325f // 16 / tau

// Where a vector leads, and whether that is in the frame.
struct Target {
    float x, y;
    bool inside;
};

__device__ __forceinline__ Target target_of(
    const float* flow_u, const float* flow_v, int x, int y, int height, int width)
{
    const size_t at = static_cast<size_t>(y) * width + x;
    const float to_x = flow_u[at] + static_cast<float>(x);
    const float to_y = flow_v[at] + static_cast<float>(y);
    const bool inside = to_x >= 0.0f && to_x <= static_cast<float>(width - 1) && to_y >= 0.0f
        && to_y <= static_cast<float>(height - 1);
    return {to_x, to_y, inside};
}

// Bilinear, at a position inside.
template <typename Value>
__device__ __forceinline__ float sampled(
    const Value* plane, const Target& target, int height, int width)
{
    const int x = static_cast<int>(target.x), y = static_cast<int>(target.y);
    const float share_x = target.x - static_cast<float>(x);
    const float share_y = target.y - static_cast<float>(y);
    const int right = min(x + 1, width - 1);
    const Value* upper = plane + static_cast<size_t>(y) * width;
    const Value* lower = plane + static_cast<size_t>(min(y + 1, height - 1)) * width;
    const float above = static_cast<float>(upper[x])
        + share_x * (static_cast<float>(upper[right]) - static_cast<float>(upper[x]));
    const float below = static_cast<float>(lower[x])
        + share_x * (static_cast<float>(lower[right]) - static_cast<float>(lower[x]));
    return above + share_y * (below - above);
}

// Derivative along one axis: of both neighbours, at a border of one.
__device__ __forceinline__ float gradient(const float* value, int index, int length, int step)
{
    if (index == 0) {
        return value[step] - value[0];
    }
    return index + 1 == length ? value[0] - value[-step] : (value[step] - value[-step]) / 2.0f;
}

// Whether a neighbour is darker -1, alike 0 or brighter 1.
__device__ __forceinline__ int relation(int level, int neighbour)
{
    const int step = neighbour - level;
    return (step > CENSUS_LEVELS ? 1 : 0) - (step < -CENSUS_LEVELS ? 1 : 0);
}

// Here and below, flow: (B * unit, 2, h, w). Every `unit`-th field is described; where unit is 2,
// the field after it is the same pair's backward. pairs: (B * unit, 2) indices into frames, (N, h,
// w); limits: (B); records: (B, blocks, MEASURES).
extern "C" __global__ void __launch_bounds__(MEASURE_THREADS)
    measure_flow(const float* __restrict__ flow, const unsigned char* __restrict__ frames,
        const int* __restrict__ pairs, const Limits* __restrict__ limits,
        double* __restrict__ records, int height, int width, int unit)
{
    __shared__ float sums[MEASURES][MEASURE_THREADS];
    __shared__ int warped[WARPED_HIGH][WARPED_WIDE];

    const int left = blockIdx.x * MEASURE_TILE, top = blockIdx.y * MEASURE_TILE;
    const int thread = threadIdx.y * MEASURE_TILE + threadIdx.x, pair = blockIdx.z;
    const size_t size = plane_size(height, width);
    const float *flow_u = flow + 2 * unit * pair * size, *flow_v = flow_u + size;
    const unsigned char* first = frames + pairs[2 * unit * pair] * size;
    const unsigned char* second = frames + pairs[2 * unit * pair + 1] * size;
    const Limits& limit = limits[pair];

    for (int measure = 0; measure < MEASURES; ++measure) {
        sums[measure][thread] = 0.0f;
    }
    for (int cell = thread; cell < WARPED_HIGH * WARPED_WIDE; cell += MEASURE_THREADS) {
        const int row = cell / WARPED_WIDE, column = cell % WARPED_WIDE;
        const int x = left + column - 1, y = top + row;
        int level = NO_LEVEL;
        if (x >= 0 && x < width && y < height) {
            const Target target = target_of(flow_u, flow_v, x, y, height, width);
            if (target.inside) {
                level = static_cast<int>(rintf(sampled(second, target, height, width)));
            }
        }
        warped[row][column] = level;
    }
    __syncthreads();

    const int x = left + threadIdx.x;
    for (int row = threadIdx.y; row < MEASURE_TILE; row += MEASURE_BLOCK_Y) {
        const int y = top + row;
        if (x >= width || y >= height) {
            continue;
        }
        const size_t at = static_cast<size_t>(y) * width + x;
        const float u = flow_u[at], v = flow_v[at];
        const float magnitude = sqrtf(u * u + v * v);
        sums[MAX_PX][thread] = fmaxf(sums[MAX_PX][thread], magnitude);
        sums[MEAN_PX][thread] += magnitude;
        sums[STATIC][thread] += magnitude < limit.static_px ? 1.0f : 0.0f;
        sums[STILL][thread] += magnitude < limit.still_px ? 1.0f : 0.0f;
        int bin = 0;
        while (bin < 15 && limit.edges_px[bin] <= magnitude) {
            ++bin;
        }
        sums[MAGNITUDES + bin][thread] += 1.0f;
        if (magnitude > limit.moving_px) {
            const int turns = static_cast<int>(rintf(atan2f(v, u) * DIRECTIONS_PER_RADIAN));
            sums[MOVING][thread] += 1.0f;
            sums[MOVING_PX][thread] += magnitude;
            sums[MOVING_DX][thread] += u;
            sums[MOVING_DY][thread] += v;
            sums[DIRECTIONS + (turns + 16) % 16][thread] += magnitude * limit.speed_per_px;
        }
        const float du_by_x = gradient(flow_u + at, x, width, 1);
        const float du_by_y = gradient(flow_u + at, y, height, width);
        const float dv_by_x = gradient(flow_v + at, x, width, 1);
        const float dv_by_y = gradient(flow_v + at, y, height, width);
        sums[DIVERGENCE][thread] += fabsf(du_by_x + dv_by_y);
        sums[CURL][thread] += fabsf(dv_by_x - du_by_y);

        const Target target = target_of(flow_u, flow_v, x, y, height, width);
        if (!target.inside) {
            continue;
        }
        const float level = sampled(second, target, height, width);
        sums[PHOTO][thread] += fabsf(level - static_cast<float>(first[at]));
        sums[PHOTO_PIXELS][thread] += 1.0f;
        for (int neighbour = 0; neighbour < 4; ++neighbour) { // right, and the three below
            const int down = neighbour == 0 ? 0 : 1, right = neighbour == 0 ? 1 : neighbour - 2;
            const int other = warped[row + down][threadIdx.x + 1 + right];
            if (other != NO_LEVEL) {
                const int before = relation(first[at], first[at + down * width + right]);
                const int after = relation(warped[row][threadIdx.x + 1], other);
                sums[CENSUS_DIFFERING][thread] += before != after ? 1.0f : 0.0f;
                sums[CENSUS_RELATIONS][thread] += 1.0f;
            }
        }
        if (unit == 2) {
            const float* back_u = flow_v + size;
            const float back_x = sampled(back_u, target, height, width);
            const float back_y = sampled(back_u + size, target, height, width);
            const float miss_x = u + back_x, miss_y = v + back_y;
            const float miss = miss_x * miss_x + miss_y * miss_y;
            const float both = (u * u + v * v) + (back_x * back_x + back_y * back_y);
            sums[RETURNING][thread] += miss <= 0.01f * both + 0.5f ? 1.0f : 0.0f;
            sums[ROUND_TRIPS][thread] += 1.0f;
            sums[ROUND_TRIP_PX][thread] += sqrtf(miss);
        }
    }
    __syncthreads();

    const size_t block =
        (static_cast<size_t>(pair) * gridDim.y + blockIdx.y) * gridDim.x + blockIdx.x;
    for (int measure = thread; measure < MEASURES; measure += MEASURE_THREADS) {
        double total = 0.0;
        for (int other = 0; other < MEASURE_THREADS; ++other) {
            // Each measure begins elsewhere, so that the threads read different banks.
            const double part = sums[measure][(measure + other) % MEASURE_THREADS];
            total = measure == MAX_PX ? fmax(total, part) : total + part;
        }
        records[block * MEASURES + measure] = total;
    }
}

// records: (B, blocks, MEASURES); totals: (B, MEASURES). One block a pair.
extern "C" __global__ void add_records(
    const double* __restrict__ records, double* __restrict__ totals, int blocks)
{
    const int measure = threadIdx.x;
    if (measure >= MEASURES) {
        return;
    }
    const double* own = records + static_cast<size_t>(blockIdx.z) * blocks * MEASURES + measure;
    double total = 0.0;
    for (int block = 0; block < blocks; ++block) {
        const double part = own[static_cast<size_t>(block) * MEASURES];
        total = measure == MAX_PX ? fmax(total, part) : total + part;
    }
    totals[blockIdx.z * MEASURES + measure] = total;
}

// Order statistics of magnitude, exactly, digit by digit: numbers >= 0 are ordered as their bits
// are. In each of three rounds `count_digits` counts how often each value of the next digit
// follows the digits found so far, and `choose_digits` finds in which count the wanted place lies.
#define RANKED 4
#define DIGIT_VALUES 2048

struct Ranked {
    unsigned found; // digits so far, in place
    unsigned place; // of the wanted one among those that share them, from 0
};

__device__ __forceinline__ int digit_shift(int round)
{
    return round == 0 ? 21 : round == 1 ? 10 : 0;
}

// ranked: (B, RANKED, 2), the members of Ranked; counts: (B, RANKED, DIGIT_VALUES). Two
// neighbouring places of all numbers are wanted, twice.
extern "C" __global__ void start_ranks(unsigned* __restrict__ ranked, int* __restrict__ counts,
    int place, int other_place, int pixels)
{
    for (int cell = threadIdx.x; cell < RANKED * DIGIT_VALUES; cell += DIGIT_THREADS) {
        counts[blockIdx.z * RANKED * DIGIT_VALUES + cell] = 0;
    }
    if (threadIdx.x < RANKED) {
        const int which = threadIdx.x;
        const int wanted = (which < 2 ? place : other_place) + which % 2;
        ranked[2 * (blockIdx.z * RANKED + which)] = 0;
        ranked[2 * (blockIdx.z * RANKED + which) + 1] = min(wanted, pixels - 1);
    }
}

// Wanted ones that share their digits so far share the counts of the first of them.
extern "C" __global__ void count_digits(const float* __restrict__ flow,
    const unsigned* __restrict__ ranked, int* __restrict__ counts, int height, int width, int unit,
    int round)
{
    __shared__ int own_counts[RANKED][DIGIT_VALUES];

    const size_t size = plane_size(height, width);
    const float *flow_u = flow + 2 * unit * blockIdx.z * size, *flow_v = flow_u + size;
    const Ranked* wanted = reinterpret_cast<const Ranked*>(ranked) + RANKED * blockIdx.z;
    const int shift = digit_shift(round);
    const unsigned known = round == 0 ? 0u : ~0u << digit_shift(round - 1);

    for (int cell = threadIdx.x; cell < RANKED * DIGIT_VALUES; cell += DIGIT_THREADS) {
        own_counts[cell / DIGIT_VALUES][cell % DIGIT_VALUES] = 0;
    }
    __syncthreads();
    for (int offset = threadIdx.x; offset < DIGIT_PIXELS; offset += DIGIT_THREADS) {
        const size_t at = static_cast<size_t>(blockIdx.x) * DIGIT_PIXELS + offset;
        if (at >= size) {
            break;
        }
        const unsigned bits =
            __float_as_uint(sqrtf(flow_u[at] * flow_u[at] + flow_v[at] * flow_v[at]));
        const int digit = static_cast<int>((bits & ~known) >> shift);
        for (int which = 0; which < RANKED; ++which) {
            const bool is_first = which == 0 || wanted[which].found != wanted[which - 1].found;
            if (is_first && (bits & known) == wanted[which].found) {
                atomicAdd(&own_counts[which][digit], 1);
            }
        }
    }
    __syncthreads();
    for (int cell = threadIdx.x; cell < RANKED * DIGIT_VALUES; cell += DIGIT_THREADS) {
        const int count = own_counts[cell / DIGIT_VALUES][cell % DIGIT_VALUES];
        if (count > 0) {
            atomicAdd(&counts[blockIdx.z * RANKED * DIGIT_VALUES + cell], count);
        }
    }
}

// One block a pair; leaves the counts 0 for the next round.
extern "C" __global__ void choose_digits(
    unsigned* __restrict__ ranked, int* __restrict__ counts, int round)
{
    __shared__ int own_counts[RANKED * DIGIT_VALUES];
    __shared__ Ranked wanted[RANKED];

    Ranked* all_ranked = reinterpret_cast<Ranked*>(ranked) + RANKED * blockIdx.z;
    for (int cell = threadIdx.x; cell < RANKED * DIGIT_VALUES; cell += DIGIT_THREADS) {
        own_counts[cell] = counts[blockIdx.z * RANKED * DIGIT_VALUES + cell];
        counts[blockIdx.z * RANKED * DIGIT_VALUES + cell] = 0;
    }
    if (threadIdx.x < RANKED) {
        wanted[threadIdx.x] = all_ranked[threadIdx.x];
    }
    __syncthreads();
    if (threadIdx.x < RANKED) {
        int first = threadIdx.x;
        while (first > 0 && wanted[first].found == wanted[first - 1].found) {
            --first;
        }
        const int* of_digit = own_counts + first * DIGIT_VALUES;
        unsigned place = wanted[threadIdx.x].place, digit = 0;
        while (digit + 1 < DIGIT_VALUES && place >= static_cast<unsigned>(of_digit[digit])) {
            place -= of_digit[digit];
            ++digit;
        }
        all_ranked[threadIdx.x] = {wanted[threadIdx.x].found | digit << digit_shift(round), place};
    }
}

// grid: (B, 2, rows, columns), every `stride`-th vector from `stride / 2` on.
extern "C" __global__ void sample_grid(const float* __restrict__ flow, float* __restrict__ grid,
    int height, int width, int unit, int rows, int columns, int stride)
{
    const Pixel point = own_pixel(rows, columns);
    if (point.inside) {
        const size_t at = static_cast<size_t>(stride / 2 + point.y * stride) * width + stride / 2
            + point.x * stride;
        const size_t component = blockIdx.z % 2, plane = blockIdx.z / 2 * 2 * unit + component;
        grid[blockIdx.z * plane_size(rows, columns) + point.at] =
            flow[plane * plane_size(height, width) + at];
    }
}
