"""Parts of the Images page.

In reading order:

- canvas: boxes on an image, edited by mouse and keyboard
- edited: unsaved changes of the boxes of a run
- one_image: upload, phrases, model and result of one image
- box_editor: the table of boxes, and the fields of the chosen box
- exports: download a run
- batches: many images in a job
- history: earlier runs
- evaluations: how well each model finds labelled boxes
- evaluation_chart: the chart of precision and recall
- image_case: a corrected image in the feedback queue
"""
