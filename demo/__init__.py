"""`./portal demo`: an empty portal, a company's first day in it over public REST, and each role's story in Chromium, as a video.

In reading order:

- __main__: the command
- scripted_model: a model server that gives prepared answers
- company: people, chats, ratings, prompts and a platform, over REST
- stories: what each role does in the browser
- recording: Playwright's video with Debian's ffmpeg
"""
