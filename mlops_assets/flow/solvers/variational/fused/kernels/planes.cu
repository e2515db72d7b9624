// What every kernel uses. The files of this folder are joined in the order of
// `sources.KERNEL_FILES` and read by nvrtc for the device and by g++ for the tests: plain
// arithmetic, shared memory and barriers, nothing else. Arrays are float32 (planes, height, width)
// without gaps; blockIdx.z counts planes or pairs. Capitals that are not defined here come from
// `sources.DEFINITIONS`. Every step does the arithmetic of its namesake in `reference/`, in the
// same order.

__device__ __forceinline__ int clamped(int index, int length)
{
    return min(max(index, 0), length - 1);
}

__device__ __forceinline__ float clamped(float position, float low, float high)
{
    return fminf(fmaxf(position, low), high);
}

__device__ __forceinline__ size_t plane_size(int height, int width)
{
    return static_cast<size_t>(height) * width;
}

// The pixel of this thread, where a block covers PIXEL_BLOCK_X x PIXEL_BLOCK_Y pixels.
struct Pixel {
    int x, y;
    bool inside;
    size_t at;
};

__device__ __forceinline__ Pixel own_pixel(int height, int width)
{
    const int x = blockIdx.x * PIXEL_BLOCK_X + threadIdx.x;
    const int y = blockIdx.y * PIXEL_BLOCK_Y + threadIdx.y;
    return {x, y, x < width && y < height, static_cast<size_t>(y) * width + x};
}

extern "C" __global__ void clear(float* __restrict__ planes, int height, int width)
{
    const Pixel pixel = own_pixel(height, width);
    if (pixel.inside) {
        planes[blockIdx.z * plane_size(height, width) + pixel.at] = 0.0f;
    }
}
