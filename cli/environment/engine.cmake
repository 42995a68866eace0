# Read by llama-cpp-python's build. It switches llama.cpp's "common" library on by force; the portal does not use it, and it is
# more than a third of all that is compiled. A plain variable goes before the cached one.
set(LLAMA_BUILD_COMMON OFF)
