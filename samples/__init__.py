"""Sample data, made-up models and stand-in servers, which the tests, the benches and the demo share.

- table_files: workbooks made without a library
- talks: conversations with their answers
- fakes: fakes of our own ports
- gguf_tensors: the tensors of small GLMs, with random weights
- gguf_maker: files of such GLMs
- projector_maker: projectors for images, made like that
- small_model: SmolLM2 laid out as a GLM
- image_files: images in every format
- markdown_documents: texts that a model might write, and attacks
- chromium: how Chromium is run
- company_documents: documents of a made-up company, with questions
- drawings: compare what Chromium draws of a text with what the parser read
- drawing_page: the page that draws them
- servers: databases, proxies and model servers to start on this machine
"""
