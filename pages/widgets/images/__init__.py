"""Parts of the page Images.

In reading order:

- canvas: boxes on an image, moved by mouse and keyboard
- edited: the boxes of a run as the person has moved them, until they are saved
- one_image: upload, phrases, model, and what was found
- box_editor: the table of boxes and the fields of one
- exports: download a run
- batches: many images in a job
- history: earlier runs
- evaluations: how well each model finds boxes that are known
- evaluation_chart: their precision and recall, drawn
- image_case: a corrected image in the feedback queue
"""
