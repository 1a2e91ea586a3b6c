"""Calls that mypy, pyright, ty and pyrefly have to reject. Never run.

Each comment contains a part of mypy's message and, after the bar, a part of pyright's. Of ty and pyrefly only the lines
are compared, because the wording of their messages still changes.
"""

from oxen_models import AsyncOxen, Oxen
from oxen_models.chat import ChatRequest
from oxen_models.images import QwenImageEditPlusRequest
from oxen_models.images import QwenImageEditPlusRequst  # wrong: has no attribute "QwenImageEditPlusRequst" | is unknown import symbol
from oxen_models.videos import TopazlabsProteusVideoRequest
import oxen_models

oxen = Oxen()
edit = oxen.images.qwen_image_edit_plus.edit

edit(prompt="x")  # wrong: Missing named argument "input_image" | Argument missing for parameter "input_image"
edit(prompt="x", input_image=["a"], aspect_ration="16:9")  # wrong: did you mean "aspect_ratio" | No parameter named "aspect_ration"
edit(prompt="x", input_image=["a"], aspect_ratio="16:10")  # wrong: incompatible type "Literal['16:10']" | cannot be assigned to parameter "aspect_ratio"
edit(prompt="x", input_image="dog.png")  # wrong: incompatible type "str"; expected "ListOf | cannot be assigned to parameter "input_image"
edit(prompt="x", input_image=[3])  # wrong: incompatible type "int" | cannot be assigned to parameter "input_image"
edit(prompt="x", input_image=(url for url in ["a"]))  # wrong: incompatible type "Generator[str | cannot be assigned to parameter "input_image"
edit(prompt="x", input_image=[[1]])  # wrong: incompatible type "list[int]" | cannot be assigned to parameter "input_image"
edit(prompt="x", input_image=["a"]).image.save("a", parent=True)  # wrong: No overload variant of "save" | No overloads for "save"
edit(prompt="x", input_image=["a"]).image.save(open("a"))  # wrong: No overload variant of "save" | No overloads for "save"
edit(prompt="x", input_image=["a"]).video  # wrong: "ImageResult" has no attribute "video" | Cannot access attribute "video"
oxen.images.qwen_image.generate(prompt="x", seed=1.5)  # wrong: incompatible type "float" | cannot be assigned to parameter "seed"
oxen.images.qwen_image.generate(prompt="x", guidance="1")  # wrong: incompatible type "str" | cannot be assigned to parameter "guidance"
edit(prompt=5, input_image=["a"])  # wrong: incompatible type "int"; expected "str" | cannot be assigned to parameter "prompt"
edit(prompt=None, input_image=["a"])  # wrong: incompatible type "None" | cannot be assigned to parameter "prompt"
edit("x", ["a"])  # wrong: Too many positional arguments | Expected 0 positional arguments
edit(prompt="x", input_image=["a"], response_format="png")  # wrong: incompatible type "Literal['png']" | cannot be assigned to parameter "response_format"
edit(prompt="x", input_image=["a"], output_format=None)  # wrong: incompatible type "None" | cannot be assigned to parameter "output_format"
edit(prompt="x", input_image=["a"]).videos  # wrong: "ImageResult" has no attribute "videos" | Cannot access attribute "videos"
oxen.images.qwen_image_edit_plus.generate(prompt="x")  # wrong: has no attribute "generate" | Cannot access attribute "generate"
oxen.images.qwen_image_edit_pluss  # wrong: has no attribute "qwen_image_edit_pluss" | Cannot access attribute "qwen_image_edit_pluss"
oxen.videos.qwen_image_edit_plus  # wrong: has no attribute "qwen_image_edit_plus" | Cannot access attribute "qwen_image_edit_plus"
oxen.image  # wrong: has no attribute "image" | Cannot access attribute "image"
oxen_models.Oxn  # wrong: has no attribute "Oxn" | is not a known attribute of module
oxen.videos.topazlabs_proteus_video.generate(input_video="a", target_fps="24")  # wrong: incompatible type "str" | cannot be assigned to parameter "target_fps"
QwenImageEditPlusRequest(prompt="x", input_image=["a"], colour="red")  # wrong: Unexpected keyword argument "colour" | No parameter named "colour"
QwenImageEditPlusRequest(prompt="x", input_image="a")  # wrong: incompatible type "str" | cannot be assigned to parameter "input_image"
TopazlabsProteusVideoRequest(input_video=["a"])  # wrong: incompatible type "list[str]" | cannot be assigned to parameter "input_video"
oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"], num_generations=2)  # wrong: Unexpected keyword argument "num_generations" | No parameter named "num_generations"
edit(prompt="x", input_image=["a"], timeout="soon")  # wrong: incompatible type "str" | cannot be assigned to parameter "timeout"
edit(prompt="x", input_image=["a"], extra_header={"a": "b"})  # wrong: Unexpected keyword argument "extra_header" | No parameter named "extra_header"
oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"], aspect_ration="1:1")  # wrong: Unexpected keyword argument "aspect_ration" | No parameter named "aspect_ration"
oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"], aspect_ratio="16:10")  # wrong: incompatible type "Literal['16:10']" | cannot be assigned to parameter "aspect_ratio"
oxen.images.qwen_image_edit_plus.submit(prompt="x")  # wrong: Missing named argument "input_image" | missing for parameter "input_image"
oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"], target_repo="me/hats")  # wrong: Unexpected keyword argument "target_repo" | No parameter named "target_repo"
oxen.images.qwen_image_edit_plus.submit_many(prompt="x", input_image=["a"])  # wrong: has no attribute "submit_many" | Cannot access attribute "submit_many"
oxen.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"]).result().videos  # wrong: "ImageResult" has no attribute "videos" | Cannot access attribute "videos"
oxen.audio.bytedance_seed_audio_1_0.edit(prompt="x")  # wrong: has no attribute "edit" | Cannot access attribute "edit"
oxen.run(TopazlabsProteusVideoRequest(input_video="a")).images  # wrong: "VideoResult" has no attribute "images" | Cannot access attribute "images"
oxen.run({"model": "qwen-image", "prompt": "x"})  # wrong: No overload variant of "run" | No overloads for "run"
oxen.run(QwenImageEditPlusRequest(prompt="x", input_image=["a"]), num_generations=2)  # wrong: No overload variant of "run" | No overloads for "run"
oxen.submit(QwenImageEditPlusRequest(prompt="x", input_image=["a"]), num_generations="2")  # wrong: No overload variant of "submit" | No overloads for "submit"
oxen.submit(QwenImageEditPlusRequest(prompt="x", input_image=["a"]), num_generations=2).result()  # wrong: has no attribute "result" | Cannot access attribute "result"
oxen.with_options(target_repo=3)  # wrong: incompatible type "int" | cannot be assigned to parameter "target_repo"
oxen.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"]).response.body  # wrong: "Response" has no attribute "body" | Cannot access attribute "body"
oxen.run_many([{"model": "qwen-image", "prompt": "x"}])  # wrong: List item 0 has incompatible type | cannot be assigned to parameter "requests"
oxen.jobs(status="runing")  # wrong: incompatible type "Literal['runing']" | cannot be assigned to parameter "status"
oxen.generations(media_type="sound")  # wrong: incompatible type "Literal['sound']" | cannot be assigned to parameter "media_type"
oxen.jobs(state="queued")  # wrong: Unexpected keyword argument "state" | No parameter named "state"
oxen.model(3)  # wrong: incompatible type "int"; expected "str" | cannot be assigned to parameter "id"
oxen.model("any-id").edit(prompt="x").videos  # wrong: "ImageResult" has no attribute "videos" | Cannot access attribute "videos"
oxen.model("any-id").generate("x")  # wrong: expected "Mapping[str, object]" | cannot be assigned to parameter "values"
oxen.model("any-id").generate({"cfg-scale": 0.5}, {"prompt": "x"})  # wrong: Too many positional arguments | Expected 1 positional argument
oxen.model("any-id").transcribe(prompt="x")  # wrong: has no attribute "transcribe" | Cannot access attribute "transcribe"
oxen.model("any-id").edit(prompt="x", timeout="soon")  # wrong: incompatible type "str" | cannot be assigned to parameter "timeout"
oxen.chat.complete(messages=[])  # wrong: Missing named argument "model" | Argument missing for parameter "model"
oxen.chat.complete(model="gpt-4o", messages=[], temprature=1)  # wrong: did you mean "temperature" | No parameter named "temprature"
oxen.chat.complete(model="gpt-4o", messages="Hello")  # wrong: incompatible type "str"; expected "ListOf | cannot be assigned to parameter "messages"
oxen.chat.complete(model="gpt-4o", messages=[{"role": "usr", "content": "Hello"}])  # wrong: List item 0 has incompatible type | cannot be assigned to parameter "messages"
oxen.chat.complete(model="gpt-4o", messages=[{"role": "user", "contents": "Hello"}])  # wrong: List item 0 has incompatible type | cannot be assigned to parameter "messages"
oxen.chat.complete(model="gpt-4o", messages=[{"role": "user", "content": [{"type": "text", "text": 3}]}])  # wrong: List item 0 has incompatible type | cannot be assigned to parameter "messages"
oxen.chat.complete(model="gpt-4o", messages=[]).images  # wrong: "Completion" has no attribute "images" | Cannot access attribute "images"
oxen.chat.stream(model="gpt-4o", messages=[]).text  # wrong: "ChatStream" has no attribute "text" | Cannot access attribute "text"
ChatRequest(messages=[])  # wrong: Missing named argument "model" | Argument missing for parameter "model"
oxen.submit(ChatRequest(model="gpt-4o", messages=[]))  # wrong: No overload variant of "submit" | No overloads for "submit"
Oxen(key="k")  # wrong: Unexpected keyword argument "key" | No parameter named "key"


async def unawaited() -> None:
    async with AsyncOxen() as client:
        client.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"]).images  # wrong: "Coroutine | Cannot access attribute "images"
        (await client.images.qwen_image_edit_plus.submit(prompt="x", input_image=["a"])).images  # wrong: has no attribute "images" | Cannot access attribute "images"
        await client.images.qwen_image_edit_plus.submit(prompt="x", input_image="a")  # wrong: incompatible type "str"; expected "ListOf | cannot be assigned to parameter "input_image"
        client.images.qwen_image_edit_plus.edit(prompt="x", input_image=["a"])  # wrong: Value of type "Coroutine | Result of async function call is not used


with AsyncOxen() as not_async:  # wrong: has no attribute "__enter__" | Did you mean "async with"?
    pass
